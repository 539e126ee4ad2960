import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createScheduler } from "../schedule/create-scheduler.ts";
import { countSteps } from "../schedule/scheduler-counters.ts";
import { createScriptedRunner } from "../testing/scripted-runner.ts";
import { decode } from "./decode.ts";
import { createNgramDrafter } from "./draft/ngram.ts";
import type { DecodeOptions } from "./options.ts";
import type { DecodeStats, StepReport } from "./stats.ts";

const PROMPT = [1, 2, 3, 4, 5, 6, 1, 2];

/** Decodes `positions` at a time until `take` tokens were yielded, and tells what the caller, the steps and the scheduler saw. */
async function run(positions: number, options: Partial<DecodeOptions>, take = Number.POSITIVE_INFINITY) {
  const scheduler = createScheduler({ policy: "fixed", positions });
  const counters = countSteps(scheduler);
  const runner = createScriptedRunner({ repetition: 0.9, period: 6, contextLimit: 120 });
  const drafter = createNgramDrafter();
  const finished: DecodeStats[] = [];
  const steps: StepReport[] = [];
  const tokens: number[] = [];
  const onStep = (step: StepReport) => void steps.push({ ...step, plan: { ...step.plan } });
  const onFinish = (stats: DecodeStats) => void finished.push(stats);
  if (take > 0) {
    for await (const token of decode({ runner, scheduler, drafter, prompt: PROMPT, onStep, onFinish, ...options })) {
      tokens.push(token);
      if (tokens.length >= take) break;
    }
  }
  expect(finished).toHaveLength(1);
  return { tokens, stats: finished[0]!, steps, counters: counters.snapshot(), runner };
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

describe("statistics count what was yielded", () => {
  it("whatever ends the decode, and wherever in a forward's tokens", async () => {
    const ends = fc.oneof(
      fc.record({ stopTokens: fc.subarray([0, 3, 5, 6, 9, 17], { minLength: 1 }) }),
      fc.record({ maxNewTokens: fc.integer({ min: 1, max: 60 }) }),
      fc.integer({ min: 1, max: 40 }).map((at) => {
        let seen = 0;
        return { stop: () => ++seen === at };
      }),
      fc.constant({}),
    );
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 9 }), ends, fc.integer({ min: 1, max: 60 }), async (n, end, take) => {
        const { tokens, stats, steps } = await run(n, end, take);
        expect(stats.tokens).toBe(tokens.length);
        expect(stats.forwards).toBe(steps.length);
        expect(stats.verified).toBe(sum(steps.map(({ plan }) => plan.positions - 1)));
        // Each forward but the last brings its accepted draft tokens and one more; the last may end at any of its tokens.
        const before = sum(steps.slice(0, -1).map(({ accepted }) => accepted));
        const last = tokens.length - before - (steps.length - 1);
        expect(stats.accepted).toBe(before + Math.min(last, steps.at(-1)!.accepted));
      }),
      { numRuns: 400 },
    );
  });

  it("nothing that stood behind a stop token: in the totals, the steps and the scheduler's counters", async () => {
    const { tokens, stats, steps, counters } = await run(8, { stopTokens: [5] });
    expect(tokens).toEqual([3, 4]);
    expect(stats).toMatchObject({ finish: "eos", tokens: 2, forwards: 1, verified: 7, accepted: 2 });
    expect(steps[0]!.accepted).toBe(2);
    // The token that ends the text was the model's too.
    expect(counters).toMatchObject({ forwards: 1, tokens: 3, accepted: [1, 1, 0, 0, 0, 0, 0] });
  });

  it("nothing at all where the text ends at once", async () => {
    const { tokens, stats } = await run(8, { stopTokens: [3] });
    expect(tokens).toEqual([]);
    expect(stats).toMatchObject({ finish: "eos", tokens: 0, forwards: 1, accepted: 0 });
  });
});

describe("maxNewTokens: 0", () => {
  it("runs the prompt and yields nothing, so that the next decode finds it in the cache", async () => {
    const { tokens, stats, runner } = await run(4, { maxNewTokens: 0 });
    expect(tokens).toEqual([]);
    expect(stats).toMatchObject({ finish: "length", tokens: 0, forwards: 0 });
    expect(runner.cached).toEqual(PROMPT.slice(0, -1));
  });
});
