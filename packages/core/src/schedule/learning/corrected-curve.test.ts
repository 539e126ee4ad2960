import { describe, expect, it } from "vitest";
import { createCostCurve } from "../../profile/curve.ts";
import { sampleProfile } from "../../testing/sample-profile.ts";
import { CorrectedCurve } from "./corrected-curve.ts";
import { CostCorrection } from "./cost.ts";

function curveOf(ratios: readonly number[]) {
  const profiled = createCostCurve({ ...sampleProfile(0, ratios), baseMs: 1 });
  const cost = new CostCorrection();
  const curve = new CorrectedCurve(profiled, cost);
  /** `count` forwards of one row and `count` of `rows` in turns, at what a row really costs. */
  const run = (rows: number, ms: number, count = 3) => {
    for (let i = 0; i < count; i++) {
      cost.observe(1, 1, profiled.costMs[0]!);
      cost.observe(rows, ms, profiled.costMs[rows - 1]!);
    }
    curve.moveTo(256);
  };
  return { profiled, curve, run };
}

describe("CorrectedCurve", () => {
  it("is the profile's while that fits", () => {
    const { profiled, curve, run } = curveOf([1, 1.5, 2, 1.4]);
    run(4, 1.4);
    expect([...curve.costMs]).toEqual([...profiled.costMs]);
    expect([...curve.paddedRows]).toEqual([1, 4, 4, 4]);
    expect(curve.prefixFree(0.5)).toBe(profiled.prefixFree(0.5));
  });

  it("does not pad to what turns out to cost more", () => {
    const { curve, run } = curveOf([1, 0.8, 1.2, 1.4]);
    expect(curve.paddedRows[0]).toBe(2);
    run(2, 1.15, 12);
    expect(curve.paddedRows[0]).toBe(1);
  });

  it("relies on what was run alone once the profile is dropped, and prices the rest as if rows saved nothing", () => {
    const { curve, run } = curveOf([1, 1.02, 1.04, 1.06, 1.08, 1.1, 1.12, 1.14]);
    run(4, 2);
    expect([...curve.paddedRows]).toEqual([1, 4, 4, 4, 5, 6, 7, 8]);
    expect([2, 4, 8].map((rows) => curve.knows(rows))).toEqual([false, true, false]);
    expect(curve.costMs[3]).toBeGreaterThan(2);
    expect(curve.costMs[7]).toBeCloseTo(2 * curve.costMs[3]!, 12);
    expect(curve.prefixFree(0.5)).toBe(1);
    expect(curve.prefixFree(1.5)).toBe(4);
    expect(curve.rightEdge[3]).toBe(1);
  });
});
