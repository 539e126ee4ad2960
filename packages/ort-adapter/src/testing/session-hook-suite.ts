import { createScheduler, type Outcome, type Profile, type Scheduler } from "@nearfree/core";
import { sampleProfile } from "@nearfree/core/test";
import type { InferenceSession, Tensor, TensorConstructor } from "onnxruntime-common";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { wrapSession } from "../hook/wrap-session.ts";
import { HandFeeds, handLoop } from "./hand-loop.ts";
import { SMALL_SHAPE, smallDecoder } from "./small-decoder.ts";

/** What the suite needs of a runtime. */
export interface HookRuntime {
  readonly Tensor: TensorConstructor;
  create(model: Uint8Array): Promise<InferenceSession>;
}

const PROMPT = Array.from({ length: 40 }, (_, i) => [5, 9, 2, 7, 11, 3, 8, 1][i % 8]!);
const COUNT = 60;

/** Every n up to 8 at the given ratios, all in one invariance class: any schedule may be chosen. */
function profileOf(ratios: readonly number[]): Profile {
  const all = ratios.map((_, i) => i + 1);
  const invariance = { classes: [all], maxDifference: 0, rows: 8, argmaxFlips: 0 };
  return { ...sampleProfile(0, ratios), baseMs: 1, invariance };
}

const FREE = profileOf([1, 1.01, 1.01, 1.02, 1.02, 1.02, 1.03, 1.03]);
const DEAR = profileOf([1, 4, 6, 8, 10, 12, 14, 16]);

/** Time that passes by one ms at each look. */
function ticking(): () => number {
  let ms = 0;
  return () => ms++;
}

/** `scheduler`, whose outcomes are kept. */
export function listening(scheduler: Scheduler): { readonly scheduler: Scheduler; readonly outcomes: Outcome[] } {
  const outcomes: Outcome[] = [];
  const observe = (outcome: Outcome) => {
    outcomes.push({ ...outcome });
    scheduler.observe(outcome);
  };
  const heard = new Proxy(scheduler, {
    get: (target, key) => {
      if (key === "observe") return observe;
      const value = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { scheduler: heard, outcomes };
}

/** The contract of a wrapped session, on real sessions of a runtime. */
export function describeSessionHookContract(name: string, runtime: HookRuntime): void {
  const { Tensor } = runtime;

  describe(`a wrapped session of ${name}`, () => {
    let session: InferenceSession;
    let decomposed: InferenceSession;
    beforeAll(async () => {
      session = await runtime.create(smallDecoder());
      decomposed = await runtime.create(smallDecoder({ attention: "decomposed" }));
    });
    afterAll(async () => {
      await session.release();
      await decomposed.release();
    });
    const wrap = (profile: Profile | undefined, clock = ticking()) =>
      wrapSession(session, { scheduler: createScheduler({ profile }), clock, contextLimit: SMALL_SHAPE.contextLimit });

    it("gives the bits of the bare session, forward by forward, while it chooses", async () => {
      const hook = wrap(FREE);
      const wrapped = await handLoop(hook, Tensor, { prompt: PROMPT, count: COUNT, hook });
      const bare = await handLoop(session, Tensor, { prompt: PROMPT, count: COUNT, positions: wrapped.trace });
      expect(Math.max(...wrapped.trace)).toBeGreaterThan(1);
      expect(wrapped.tokens).toEqual(bare.tokens);
      expect(wrapped.logits).toEqual(bare.logits);
    });

    it("chooses by the profile", async () => {
      const positions = async (profile: Profile | undefined) => {
        const hook = wrap(profile);
        const { trace } = await handLoop(hook, Tensor, { prompt: PROMPT, count: COUNT, hook });
        return trace.reduce((sum, n) => sum + n) / trace.length;
      };
      expect(await positions(FREE)).toBeGreaterThan(2 * (await positions(DEAR)));
      expect(await positions(undefined)).toBe(1);
    });

    it("times the decode forwards, not the prefill, and says where the context is", async () => {
      const { scheduler, outcomes } = listening(createScheduler({ profile: FREE }));
      const hook = wrapSession(session, { scheduler, clock: ticking() });
      const { tokens, trace } = await handLoop(hook, Tensor, { prompt: PROMPT, count: 12, hook });
      expect(outcomes).toHaveLength(trace.length);
      expect(outcomes.map(({ forwardMs, restMs }) => [forwardMs, restMs])).toEqual(trace.map(() => [1, 1]));
      expect(outcomes.reduce((sum, { emitted }) => sum + emitted, 0)).toBe(tokens.length);
    });

    it("lets several sequences in one forward through, and takes no time from it", async () => {
      const { scheduler, outcomes } = listening(createScheduler({ profile: FREE }));
      const hook = wrapSession(decomposed, { scheduler, clock: ticking() });
      const feeds = new HandFeeds(decomposed, Tensor, 3);
      const steps = async (session: Pick<InferenceSession, "run">) => {
        const prefill = await session.run(feeds.feeds(PROMPT));
        return session.run(feeds.feeds([4, 2], feeds.cacheOf(prefill, PROMPT.length)));
      };
      hook.plan({ draft: [2] });
      const wrapped = await steps(hook);
      hook.observe([4, 2]);
      expect((wrapped.logits as Tensor).data).toEqual(((await steps(decomposed)).logits as Tensor).data);
      expect((wrapped.logits as Tensor).dims[0]).toBe(3);
      expect(outcomes.map(({ forwardMs }) => forwardMs)).toEqual([0]);
    });

    it("serves two sequences with runs in flight together, and takes no time from those", async () => {
      const one = listening(createScheduler({ profile: FREE }));
      const two = listening(createScheduler({ profile: FREE }));
      const first = wrapSession(session, { scheduler: one.scheduler, clock: ticking() });
      const second = first.sequence(two.scheduler);
      const loops = [
        handLoop(first, Tensor, { prompt: PROMPT, count: 20, hook: first }),
        handLoop(second, Tensor, { prompt: PROMPT.slice(3), count: 20, hook: second }),
      ];
      const [a, b] = await Promise.all(loops);
      const positions = (trace: readonly number[]) => ({ count: 20, positions: trace });
      expect(a!.logits).toEqual((await handLoop(session, Tensor, { prompt: PROMPT, ...positions(a!.trace) })).logits);
      expect(b!.logits).toEqual(
        (await handLoop(session, Tensor, { prompt: PROMPT.slice(3), ...positions(b!.trace) })).logits,
      );
      expect(one.outcomes[0]).toMatchObject({ forwardMs: 0 });
      expect(two.outcomes[0]).toMatchObject({ forwardMs: 0 });
    });

    it("leaves errors as they are, and goes on", async () => {
      const hook = wrap(FREE);
      const failure = (session: Pick<InferenceSession, "run">, feeds: unknown) =>
        session.run(feeds as InferenceSession.FeedsType).then(
          () => undefined,
          (error: unknown) => error as Error,
        );
      const flat = {
        ...new HandFeeds(session, Tensor).feeds([1, 2]),
        input_ids: new Tensor("int64", new BigInt64Array(2), [2]),
      };
      for (const feeds of [null, undefined, 7, {}, { input_ids: null }, flat]) {
        const expected = await failure(session, feeds);
        const received = await failure(hook, feeds);
        expect(received).toBeInstanceOf(Error);
        expect([received!.constructor, received!.message]).toEqual([expected!.constructor, expected!.message]);
      }
      const { tokens } = await handLoop(hook, Tensor, { prompt: PROMPT, count: 10, hook });
      expect(tokens.length).toBeGreaterThanOrEqual(10);
    });

    it("takes fetches and options as the session does", async () => {
      const hook = wrap(FREE);
      const feeds = new HandFeeds(session, Tensor).feeds([1, 2, 3]);
      expect(Object.keys(await hook.run(feeds, ["logits"]))).toEqual(["logits"]);
      expect(Object.keys(await hook.run(feeds, { logits: null }, { tag: "t" }))).toEqual(["logits"]);
      expect(Object.keys(await hook.run(feeds, { tag: "t" })).sort()).toEqual([...session.outputNames].sort());
    });

    it("is the session in everything else", async () => {
      const own = await runtime.create(smallDecoder());
      const hook = wrapSession(own, { scheduler: createScheduler() });
      expect(hook.inputNames).toBe(own.inputNames);
      expect(hook.outputMetadata).toEqual(own.outputMetadata);
      expect(hook).toBeInstanceOf(own.constructor);
      Object.assign(hook, { config: { layers: 2 } });
      expect(own).toMatchObject({ config: { layers: 2 } });
      expect(hook).toMatchObject({ config: { layers: 2 } });
      await hook.release();
      await expect(own.run(new HandFeeds(session, Tensor).feeds([1]))).rejects.toThrow();
    });
  });
}
