import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createCostCurve } from "../../profile/curve.ts";
import { sampleProfile } from "../../testing/sample-profile.ts";
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

/** 1, and what `next` makes of it step by step. */
function running(values: readonly number[], next: (last: number, value: number) => number): number[] {
  const all = [1];
  for (const value of values) all.push(next(all.at(-1)!, value));
  return all;
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
    expect(bestValue().choose(situation(ratios, [1, 0.05, 0.01, 0]))).toBe(1);
    expect(bestValue().choose(situation(ratios, [1]))).toBe(1);
  });

  it("leaves the rest of a likely draft to the next step, where taking all of it at once costs a stair", () => {
    const ratios = [1, 1, 1, 1, 2, 2, 2, 2];
    const fading = [1, 0.95, 0.9, 0.86, 0.6, 0.4, 0.3, 0.2];
    expect(bestValue().choose(situation(ratios, fading))).toBe(4);
  });

  it("crosses a stair that pays only at its far end", () => {
    expect(bestValue().choose(situation([1, 3, 3, 3, 3, 3], [1, 0.9, 0.9, 0.9, 0.9, 0.9]))).toBe(6);
  });

  it("chooses the first step of the best plan through the draft", () => {
    const step = fc.double({ min: 0, max: 0.6, noNaN: true });
    const chances = fc.array(fc.double({ min: 0, max: 0.99, noNaN: true }), { minLength: 1, maxLength: 4 });
    const check = (steps: number[], chance: number[], tokensPerMs: number) => {
      const ratios = running(steps, (sum, each) => sum + each);
      const survival = running(chance, (product, each) => product * each);
      const { priceMs, available, ...rest } = situation(ratios, survival, tokensPerMs);
      // Every plan: n now, and whatever comes after; beyond the draft the same n for ever.
      const right = (k: number) => chance[k] ?? chance.at(-1)!;
      const gain = (k: number, n: number) => {
        let [tokens, reached] = [0, 1];
        for (let i = 0; i < n; i++) {
          tokens += reached;
          reached *= right(k + i);
        }
        return { now: tokens - tokensPerMs * priceMs[n - 1]!, reached };
      };
      const widths = Array.from({ length: available }, (_, i) => i + 1);
      const end = Math.max(
        ...widths.map((n) => {
          const { now, reached } = gain(chance.length, n);
          return now / (1 - reached);
        }),
      );
      const worth = (k: number, n: number): number => {
        const { now, reached } = gain(k, n);
        const next = k + n;
        return now + reached * (next >= chance.length ? end : Math.max(...widths.map((then) => worth(next, then))));
      };
      const chosen = bestValue().choose({ ...rest, priceMs, available, tokensPerMs });
      // What is right with a probability of a thousandth is not looked for.
      expect(worth(0, chosen)).toBeGreaterThan(Math.max(...widths.map((n) => worth(0, n))) - 0.005);
    };
    const rate = fc.double({ min: 0.2, max: 3, noNaN: true });
    fc.assert(fc.property(fc.array(step, { minLength: 4, maxLength: 4 }), chances, rate, check));
  });

  it("gives the same choice for the same situation, whatever it was asked in between", () => {
    const survivals = fc
      .array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 7 })
      .map((chance) => running(chance, (product, each) => product * each));
    const ratios = [1, 1.1, 1.3, 1.3, 1.9, 2, 2.2, 2.2];
    const policy = bestValue();
    const check = (one: number[], other: number[]) => {
      const before = policy.choose(situation(ratios, one));
      policy.choose(situation(ratios, other, 2));
      expect(policy.choose(situation(ratios, one))).toBe(before);
    };
    fc.assert(fc.property(survivals, survivals, check));
  });
});
