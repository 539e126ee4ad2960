import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Drafter } from "../contracts/drafter.ts";
import { createScheduler, type SchedulerOptions } from "../schedule/create-scheduler.ts";
import type { Policy } from "../schedule/policy/policy.ts";
import { decodeScripted, invariantProfile, plainScheduler } from "../testing/decode-scripted.ts";
import { createNgramDrafter } from "./draft/ngram.ts";

/** Wrong on purpose, for any seed: random lengths, tokens and confidences, tokens of no vocabulary among them. */
function randomDrafter(seed: number): Drafter {
  let state = seed | 1;
  const random = (below: number) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
  return {
    costMs: 0,
    reset() {},
    propose(max, out) {
      out.length = random(max + 1);
      for (let k = 0; k < out.length; k++) {
        out.tokens[k] = random(70) - 3;
        out.confidence[k] = random(8) === 0 ? Number.NaN : random(1000) / 999;
      }
    },
    learn() {},
  };
}

/** Positions from a list, over and over. */
function scripted(positions: readonly number[]): Policy {
  let step = 0;
  return { reason: "exploring", choose: () => positions[step++ % positions.length]! };
}

const models = fc.record({
  repetition: fc.double({ min: 0, max: 1, noNaN: true }),
  period: fc.integer({ min: 2, max: 40 }),
  seed: fc.integer({ min: 0, max: 1e6 }),
  contextLimit: fc.integer({ min: 20, max: 200 }),
});
const prompts = fc.array(fc.integer({ min: 0, max: 63 }), { minLength: 1, maxLength: 18 });
const drafters = fc.oneof(
  fc.constant(() => createNgramDrafter()),
  fc.integer().map((seed) => () => randomDrafter(seed)),
);
const schedules = fc.oneof(
  fc.constantFrom<SchedulerOptions>({}, { policy: "near-free" }, { policy: "latency", latencyMs: 0.8 }),
  fc.integer({ min: 1, max: 20 }).map((positions): SchedulerOptions => ({ policy: "fixed", positions })),
  fc
    .array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 8 })
    .map((positions): SchedulerOptions => ({ policy: scripted(positions) })),
);

describe("decode", () => {
  it("gives the plain loop's tokens under any policy, drafter and model", async () => {
    await fc.assert(
      fc.asyncProperty(models, prompts, schedules, drafters, async (model, prompt, schedule, makeDrafter) => {
        const expected = await decodeScripted(model, plainScheduler(), prompt);
        const scheduler = createScheduler({ ...schedule, profile: invariantProfile(0) });
        const { tokens, stats } = await decodeScripted(model, scheduler, prompt, makeDrafter());
        expect(tokens).toEqual(expected.tokens);
        expect(stats.finish).toBe(expected.stats.finish);
      }),
      { numRuns: 300 },
    );
  });

  it("does not depend on the schedule where one row has kernels of its own", async () => {
    await fc.assert(
      fc.asyncProperty(
        models,
        prompts,
        schedules,
        schedules,
        drafters,
        async (model, prompt, one, other, makeDrafter) => {
          const variant = { ...model, variantBelow: 2 };
          const make = (options: SchedulerOptions) =>
            createScheduler({ ...options, profile: invariantProfile(3), consistency: "auto" });
          const a = await decodeScripted(variant, make(one), prompt, makeDrafter());
          const b = await decodeScripted(variant, make(other), prompt, makeDrafter());
          expect(a.tokens).toEqual(b.tokens);
          expect(a.stats.finish).toBe(b.stats.finish);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("would depend on it if it ran any rows it liked", async () => {
    const model = { variantBelow: 2, contextLimit: 400 };
    const fixed = (positions: number) => createScheduler({ policy: "fixed", positions });
    const prompt = [1, 2, 3, 4, 5, 6];
    const one = await decodeScripted(model, fixed(1), prompt, createNgramDrafter());
    const eight = await decodeScripted(model, fixed(8), prompt, createNgramDrafter());
    expect(one.tokens).not.toEqual(eight.tokens);
  });
});
