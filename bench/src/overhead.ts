import { createRandom, median } from "@nearfree/calibrate";
import { loadOrCalibrate, openModel } from "@nearfree/calibrate/node";
import { createScheduler, createScores, type Profile } from "@nearfree/core";
import { heldOutPrompts, tinyTs } from "@nearfree/examples";
import { createSessionRunner } from "@nearfree/ort-adapter";
import * as ort from "onnxruntime-node";
import { benchCommand } from "./bench-command.ts";

/** One: the second core is left to garbage collection, whose helpers wait for spinning workers otherwise. */
const THREADS = 1;
const DRAFTED = 15;

/** p99 of one plan() and one observe() in microseconds, on situations like those of a decode. */
function planObserveUs(profile: Profile, rounds: number): { p50: number; p99: number } {
  const scheduler = createScheduler({ profile });
  const random = createRandom(3);
  const confidence = new Float32Array(DRAFTED);
  const scores = createScores(64);
  const request = { drafted: 0, confidence, positionLimit: 512, rowLimit: 512, contextLength: 256 };
  const outcome = { emitted: 1, forwardMs: profile.baseMs, draftMs: 0.002, restMs: 0.01, scores };
  const times = new Float64Array(rounds);
  for (let round = -10_000; round < rounds; round++) {
    request.drafted = random() < 0.3 ? 0 : 1 + Math.floor(random() * DRAFTED);
    confidence.fill(random());
    request.contextLength = 256 + (round & 511);
    const began = process.hrtime.bigint();
    const plan = scheduler.plan(request);
    const middle = process.hrtime.bigint();
    outcome.emitted = 1 + Math.floor(random() * plan.positions);
    outcome.forwardMs = plan.expectedMs * (0.95 + 0.1 * random());
    scores.length = plan.positions - 1;
    for (let k = 0; k < scores.length; k++) {
      scores.position[k] = k;
      scores.confidence[k] = confidence[k]!;
      scores.accepted[k] = k < outcome.emitted - 1 ? 1 : 0;
    }
    const resumed = process.hrtime.bigint();
    scheduler.observe(outcome);
    const ended = process.hrtime.bigint();
    if (round >= 0) times[round] = Number(middle - began + (ended - resumed)) / 1000;
  }
  times.sort();
  return { p50: times[rounds >> 1]!, p99: times[Math.floor(rounds * 0.99)]! };
}

interface ForwardOverhead {
  readonly positions: number;
  readonly bareMs: number;
  readonly overheadUs: number;
}

/**
 * forward() against a bare session.run() with the very same feeds and fetches, in turns. The median of the paired differences:
 * what the machine does to both cancels.
 */
async function forwardOverhead(
  folder: string,
  context: readonly number[],
  positions: number,
  rounds: number,
): Promise<ForwardOverhead> {
  const session = await ort.InferenceSession.create(`${folder}/onnx/model.onnx`, { intraOpNumThreads: THREADS });
  const runner = await createSessionRunner(session, { Tensor: ort.Tensor, contextLimit: 1024 });
  await runner.forward(context, 0);
  const tokens = Array.from(context.slice(0, positions));

  type Run = (
    feeds: ort.InferenceSession.FeedsType,
    fetches: ort.InferenceSession.FetchesType,
  ) => ReturnType<typeof session.run>;
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

  const bare: number[] = [];
  const differences: number[] = [];
  const timeBare = async () => {
    const began = performance.now();
    await run(feeds, fetches);
    return performance.now() - began;
  };
  const timeForward = async () => {
    const began = performance.now();
    await runner.forward(tokens);
    const ms = performance.now() - began;
    runner.rewind(context.length);
    return ms;
  };
  for (let round = -50; round < rounds; round++) {
    const bareFirst = (round & 1) === 0;
    const first = bareFirst ? await timeBare() : await timeForward();
    const second = bareFirst ? await timeForward() : await timeBare();
    if (round < 0) continue;
    bare.push(bareFirst ? first : second);
    differences.push(bareFirst ? second - first : first - second);
  }
  await runner.release();
  await session.release();
  return { positions, bareMs: median(bare), overheadUs: median(differences) * 1000 };
}

const round2 = (value: number) => Math.round(value * 100) / 100;

await benchCommand("overhead", "what plan(), observe() and forward() cost beside the model", async ({ quick }, say) => {
  const folder = await tinyTs("fp32");
  const model = await openModel(folder, { threads: THREADS });
  const { profile } = await loadOrCalibrate(model);
  const context = model.codec!.encode((await heldOutPrompts()).map(({ prompt }) => prompt).join("\n")).slice(0, 256);
  await model.release();
  const plan = planObserveUs(profile, quick ? 50_000 : 500_000);
  say(`plan() + observe(): p50 ${plan.p50.toFixed(2)} us, p99 ${plan.p99.toFixed(2)} us`);
  const forwards: ForwardOverhead[] = [];
  for (const positions of [1, 4, 16]) {
    const overhead = await forwardOverhead(folder, context, positions, quick ? 300 : 2000);
    say(
      `forward(${positions}): ${overhead.overheadUs.toFixed(1)} us over a bare run of ${overhead.bareMs.toFixed(3)} ms`,
    );
    forwards.push(overhead);
  }
  const worst = forwards.reduce((a, b) => (b.overheadUs > a.overheadUs ? b : a));
  return {
    summary: {
      planObserveP99Us: round2(plan.p99),
      forwardOverheadUs: round2(worst.overheadUs),
    },
    planObserveP50Us: round2(plan.p50),
    forwards: forwards.map((each) => ({
      positions: each.positions,
      bareMs: round2(each.bareMs),
      overheadUs: round2(each.overheadUs),
      overheadShare: round2(each.overheadUs / 1000 / each.bareMs),
    })),
  };
});
