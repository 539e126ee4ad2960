import { createCostCurve, parseProfile } from "@nearfree/core";
import { describe, expect, it } from "vitest";
import { streamOf } from "../testing/plain-course.ts";
import { ratiosOf } from "./curves/replay-curve.ts";
import { REPLAY_CURVES } from "./curves/replay-curves.ts";
import { CLIFF_CONTEXT, costMs, createMachine } from "./machine.ts";

const curve = REPLAY_CURVES.find(({ name }) => name === "cpu-fp32")!;
const stream = streamOf(new Array(2000).fill(0));

describe("createMachine", () => {
  it("costs what its curve says, and its profile says so up to the error", () => {
    const machine = createMachine(curve, stream, 1, { profileError: 0.1 });
    const table = createCostCurve(machine.profiles);
    const ratios = ratiosOf(curve);
    let worst = 0;
    for (const n of [1, 2, 4, 8, 16, 32]) {
      const ms = costMs(machine, 0, n, 0);
      expect(ms).toBeCloseTo(ratios[n - 1]! * curve.baseMs, 12);
      worst = Math.max(worst, Math.abs(table.costMs[n - 1]! / ms - 1));
    }
    expect(worst).toBeLessThanOrEqual(0.1);
    expect(worst).toBeGreaterThan(0.02);
    expect(machine.profiles.every((profile) => parseProfile(profile) !== undefined)).toBe(true);
  });

  it("grows with the context, and has another kernel for more than one row beyond the cliff", () => {
    const long = { ...stream, context: Int32Array.from({ length: stream.length }, (_, t) => 1100 + t) };
    const machine = createMachine(curve, long, 1, { profileError: 0, growth: true });
    const at = long.context.indexOf(CLIFF_CONTEXT);
    expect(costMs(machine, 0, 1, 1100)).toBeGreaterThan(costMs(machine, 0, 1, 100));
    const step = (rows: number) =>
      costMs(machine, at + 1, rows, CLIFF_CONTEXT + 1) / costMs(machine, at, rows, CLIFF_CONTEXT);
    expect(step(1)).toBeCloseTo(1, 2);
    expect(step(4)).toBeGreaterThan(1.2);
    // The profiles are of contexts on both sides, none of them near it.
    expect(machine.profiles.map(({ key }) => key.cell.contextLength)).toEqual([128, 1024, 4032]);
  });

  it("drifts: other load comes and goes, and halfway more rows become dearer for good", () => {
    const machine = createMachine(curve, stream, 1, { profileError: 0, drift: true });
    const ratio = (t: number, rows: number) => costMs(machine, t, rows, 0) / costMs(machine, t, 1, 0);
    expect(Math.max(...machine.levels) / Math.min(...machine.levels)).toBeGreaterThan(1.3);
    expect(ratio(1500, 8) / ratio(500, 8)).toBeCloseTo(1.3, 9);
    expect(ratio(1500, 4) / ratio(500, 4)).toBeCloseTo(1, 9);
  });
});
