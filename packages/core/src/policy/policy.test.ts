import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createCostCurve } from "../curve.ts";
import { sampleProfile } from "../testing/sample-profile.ts";
import { bestValue } from "./best-value.ts";
import { fixed } from "./fixed.ts";
import { latency } from "./latency.ts";
import { nearFree } from "./near-free.ts";
import type { Situation } from "./policy.ts";

function situation(ratios: readonly number[], survival: readonly number[] = [1], tokensPerMs = 1): Situation {
  const profile = { ...sampleProfile(0, ratios), baseMs: 1 };
  const curve = createCostCurve(profile);
  return {
    curve,
    priceMs: curve.paddedMs,
    survival: Float64Array.from(survival),
    available: Math.min(survival.length, curve.maxPositions),
    tokensPerMs,
  };
}

describe("fixed", () => {
  it("is that many, and drafts for no more", () => {
    const policy = fixed(3);
    expect(policy.choose(situation([1, 2, 3, 4]))).toBe(3);
    expect(policy.most?.(situation([1]).curve)).toBe(3);
    expect(() => fixed(0)).toThrow(/at least 1/);
  });
});

describe("nearFree", () => {
  it("is the largest right edge within the boundary", () => {
    const stairs = [1, 1, 1.05, 1.05, 1.3, 1.3];
    expect(nearFree(0.1).choose(situation(stairs))).toBe(4);
    expect(nearFree(0.02).choose(situation(stairs))).toBe(2);
    expect(nearFree(0.5).choose(situation(stairs))).toBe(6);
    expect(() => nearFree(Number.NaN)).toThrow(/epsilon/);
  });
});

describe("latency", () => {
  it("is the most that keeps within the bound, a cheap one behind a dear one included", () => {
    expect(latency(1.25).choose(situation([1, 1.2, 1.4, 1.1, 1.5]))).toBe(4);
    expect(latency(0.5).choose(situation([1, 1.2]))).toBe(1);
    expect(() => latency(0)).toThrow(/latencyMs/);
  });
});

describe("bestValue", () => {
  it("weighs expected tokens against time at the loop's rate", () => {
    const ratios = [1, 1.1, 1.2, 2];
    expect(bestValue().choose(situation(ratios, [1, 0.8, 0.6, 0.5]))).toBe(3);
    expect(bestValue().choose(situation(ratios, [1, 0.8, 0.6, 0.5], 0.1))).toBe(4);
    expect(bestValue().choose(situation(ratios, [1, 0.05, 0.01, 0]))).toBe(1);
    expect(bestValue().choose(situation(ratios, [1]))).toBe(1);
  });

  it("crosses a stair that pays only at its far end", () => {
    expect(bestValue().choose(situation([1, 3, 3, 3, 3, 3], [1, 0.9, 0.9, 0.9, 0.9, 0.9]))).toBe(6);
  });

  it("at its own best rate, beats every constant choice over any mix of steps", () => {
    const drafts = fc.array(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 7 }), {
      minLength: 1,
      maxLength: 6,
    });
    const ratios = [1, 1.1, 1.3, 1.3, 1.9, 2, 2.2, 2.2];
    const tokensOf = (s: Situation, n: number) => s.survival.subarray(0, n).reduce((a, b) => a + b, 0);
    const check = (acceptances: number[][]) => {
      const steps = acceptances.map((draft) => {
        const survival = [1];
        for (const acceptance of draft) survival.push(survival.at(-1)! * acceptance);
        return situation(ratios, survival);
      });
      const rateOf = (choose: (s: Situation) => number) => {
        let [tokens, ms] = [0, 0];
        for (const step of steps) {
          const n = Math.min(choose(step), step.available);
          tokens += tokensOf(step, n);
          ms += step.priceMs[n - 1]!;
        }
        return tokens / ms;
      };
      // Dinkelbach's iteration: a handful of rounds reaches the fixed point.
      let rate = 1;
      for (let round = 0; round < 20; round++) rate = rateOf((s) => bestValue().choose({ ...s, tokensPerMs: rate }));
      for (let n = 1; n <= 8; n++) expect(rate).toBeGreaterThanOrEqual(rateOf(() => n) - 1e-9);
    };
    fc.assert(fc.property(drafts, check));
  });
});
