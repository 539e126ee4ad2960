import { median } from "@nearfree/calibrate";
import { createScheduler, type Profile } from "@nearfree/core";
import { createSessionRunner, wrapSession } from "@nearfree/ort-adapter";
import * as ort from "onnxruntime-node";

export interface RunOverhead {
  readonly positions: number;
  readonly bareMs: number;
  readonly overheadUs: number;
}

/** Rounds until everything is compiled: a loop runs its steps by the thousand. */
const WARM_UP = 500;

type Run = (
  feeds: ort.InferenceSession.FeedsType,
  fetches: ort.InferenceSession.FetchesType,
) => Promise<ort.InferenceSession.ReturnType>;

/** A decode forward of a session, ready to be repeated: the feeds and fetches of a runner whose cache is written in place. */
interface RepeatableForward {
  readonly session: ort.InferenceSession;
  readonly runner: Awaited<ReturnType<typeof createSessionRunner>>;
  readonly tokens: readonly number[];
  readonly feeds: ort.InferenceSession.FeedsType;
  readonly fetches: ort.InferenceSession.FetchesType;
}

/** forward() against a bare session.run() with the very same feeds and fetches. */
export async function forwardOverhead(
  path: string,
  context: readonly number[],
  positions: number,
  rounds: number,
): Promise<RunOverhead> {
  const { session, runner, tokens, feeds, fetches } = await repeatableForward(path, context, positions);
  const bare = () => session.run(feeds, fetches);
  const overhead = await pairedOverhead(
    bare,
    () => runner.forward(tokens),
    rounds,
    () => runner.rewind(context.length),
  );
  await runner.release();
  await session.release();
  return { positions, ...overhead };
}

/** run() of a wrapped session, or a whole step with plan() and observe(), against a bare session.run() with the very same feeds. */
export async function wrapOverhead(
  path: string,
  context: readonly number[],
  positions: number,
  rounds: number,
  { profile, step }: { readonly profile: Profile; readonly step: boolean },
): Promise<RunOverhead> {
  const { session, runner, tokens, feeds, fetches } = await repeatableForward(path, context, positions);
  // Takes the whole draft whatever it costs, so that each step has the rows that the feeds have.
  const scheduler = createScheduler({ profile, policy: "latency", latencyMs: 1e6, consistency: "tolerant" });
  const hook = wrapSession(session, { scheduler });
  const atHand = { draft: Int32Array.from(tokens.slice(1)) };
  const emitted = Int32Array.from(tokens);
  const wholeStep = async () => {
    hook.plan(atHand);
    const results = await hook.run(feeds, fetches);
    hook.observe(emitted);
    return results;
  };
  const wrapped = step ? wholeStep : () => hook.run(feeds, fetches);
  const overhead = await pairedOverhead(() => session.run(feeds, fetches), wrapped, rounds);
  await runner.release();
  await session.release();
  return { positions, ...overhead };
}

async function repeatableForward(
  path: string,
  context: readonly number[],
  positions: number,
): Promise<RepeatableForward> {
  const session = await ort.InferenceSession.create(path, { intraOpNumThreads: 1 });
  const runner = await createSessionRunner(session, { Tensor: ort.Tensor, contextLimit: 1024 });
  await runner.forward(context, 0);
  const tokens = context.slice(0, positions);
  const run = session.run.bind(session) as Run;
  let feeds: ort.InferenceSession.FeedsType = {};
  let fetches: ort.InferenceSession.FetchesType = [];
  session.run = ((givenFeeds, givenFetches) => {
    feeds = { ...givenFeeds };
    fetches = { ...givenFetches } as typeof fetches;
    return run(givenFeeds, givenFetches);
  }) as Run as typeof session.run;
  await runner.forward(tokens);
  runner.rewind(context.length);
  session.run = run as typeof session.run;
  return { session, runner, tokens, feeds, fetches };
}

/** The two in turns, each first as often. The median of the paired differences: what the machine does to both cancels. */
async function pairedOverhead(
  bare: () => Promise<unknown>,
  dressed: () => Promise<unknown>,
  rounds: number,
  afterDressed: () => void = () => {},
): Promise<Omit<RunOverhead, "positions">> {
  const time = async (run: () => Promise<unknown>) => {
    const began = performance.now();
    await run();
    return performance.now() - began;
  };
  const timeDressed = async () => {
    const ms = await time(dressed);
    afterDressed();
    return ms;
  };
  const bareMs: number[] = [];
  const differences: number[] = [];
  for (let round = -WARM_UP; round < rounds; round++) {
    const bareFirst = (round & 1) === 0;
    const first = bareFirst ? await time(bare) : await timeDressed();
    const second = bareFirst ? await timeDressed() : await time(bare);
    if (round < 0) continue;
    bareMs.push(bareFirst ? first : second);
    differences.push(bareFirst ? second - first : first - second);
  }
  return { bareMs: median(bareMs), overheadUs: median(differences) * 1000 };
}
