import { describe, expect, it } from "vitest";
import { ratiosOf } from "./replay-curve.ts";
import { REPLAY_CURVES } from "./replay-curves.ts";
import { activeExperts } from "./shaped-curves.ts";

describe("activeExperts", () => {
  it("is U(n) = E(1 - (1 - k/E)^n)", () => {
    expect(activeExperts(128, 8, 1)).toBeCloseTo(8, 12);
    // 128 (1 - (15/16)^2)
    expect(activeExperts(128, 8, 2)).toBeCloseTo(15.5, 12);
    expect(activeExperts(8, 8, 5)).toBe(8);
  });
});

describe("ratiosOf", () => {
  it("goes straight between points", () => {
    const [curve] = REPLAY_CURVES;
    const ratios = ratiosOf({
      ...curve!,
      points: [
        [1, 1],
        [3, 2],
        [4, 1.5],
      ],
    });
    expect(Array.from(ratios)).toEqual([1, 1.5, 2, 1.5]);
  });

  it("gives every curve 32 positive ratios from 1 on, and calls those flat that are", () => {
    for (const curve of REPLAY_CURVES) {
      const ratios = ratiosOf(curve);
      expect(ratios.length).toBe(32);
      expect(ratios[0]).toBe(1);
      expect(Math.min(...ratios)).toBeGreaterThan(0);
      if (curve.kind !== "hard") expect(curve.kind === "flat").toBe(ratios[7]! <= 1.5);
    }
  });
});
