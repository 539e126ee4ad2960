import { describe, expect, it } from "vitest";
import { CostCorrection } from "./cost.ts";
import { DRIFT_FORWARDS } from "./drift.ts";

/** `steps` forwards, in turn of each of `rows`; each takes `factor` times its profiled ms. */
function run(
  cost: CostCorrection,
  steps: number,
  rows: readonly number[],
  factor: (rows: number) => number,
  ms = 10,
): void {
  for (let i = 0; i < steps; i++) {
    const n = rows[i % rows.length]!;
    cost.observe(n, ms * factor(n), ms);
  }
}

describe("CostCorrection", () => {
  it("corrects nothing while the profile fits", () => {
    const cost = new CostCorrection();
    run(cost, 500, [1, 4, 8], () => 1);
    expect([cost.level, cost.shape(1), cost.shape(4), cost.stale]).toEqual([1, 1, 1, false]);
  });

  it("follows a machine that is slower as a whole, without taking it for another shape", () => {
    const cost = new CostCorrection();
    run(cost, 100, [1, 4, 8], () => 2);
    expect(cost.level).toBeCloseTo(2, 3);
    expect(cost.shape(8) / cost.shape(1)).toBeCloseTo(1, 6);
  });

  it("cancels a change of speed between neighbours: range factors keep together", () => {
    const cost = new CostCorrection();
    for (let round = 0; round < 50; round++) {
      run(cost, 20, [1], () => 1);
      run(cost, 20, [1, 8], () => 1.8);
    }
    expect(cost.shape(8) / cost.shape(1)).toBeGreaterThan(0.85);
    expect(cost.shape(8) / cost.shape(1)).toBeLessThan(1.15);
  });

  it("learns another shape", () => {
    const cost = new CostCorrection();
    run(cost, 400, [1, 8], (rows) => (rows === 8 ? 1.3 : 1));
    expect(cost.shape(8) / cost.shape(1)).toBeCloseTo(1.3, 2);
  });

  it("hardly moves for an outlier, or for a time that cannot be", () => {
    const cost = new CostCorrection();
    run(cost, 100, [1, 8], () => 1);
    cost.observe(8, 10_000, 10);
    expect(cost.level).toBeLessThan(1.05);
    const before = [cost.level, cost.shape(1)];
    for (const ms of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) cost.observe(1, ms, 10);
    cost.observe(1, 10, Number.NaN);
    expect([cost.level, cost.shape(1)]).toEqual(before);
  });

  it("calls a shift drift once it has lasted, and takes it back when it is gone for as long", () => {
    const cost = new CostCorrection();
    run(cost, 100, [1], () => 1);
    run(cost, DRIFT_FORWARDS - 10, [1], () => 1.3);
    expect(cost.stale).toBe(false);
    run(cost, 20, [1], () => 1.3);
    expect(cost.stale).toBe(true);
    run(cost, DRIFT_FORWARDS - 10, [1], () => 1);
    expect(cost.stale).toBe(true);
    run(cost, 20, [1], () => 1);
    expect(cost.stale).toBe(false);
  });

  it("finds a shift of one range of rows, among others that stay", () => {
    const cost = new CostCorrection();
    run(cost, 100, [1, 4, 8], () => 1);
    run(cost, 3 * DRIFT_FORWARDS + 30, [1, 4, 8], (rows) => (rows === 8 ? 1.3 : 1));
    expect(cost.stale).toBe(true);
    expect(cost.shape(8) / cost.shape(4)).toBeCloseTo(1.3, 1);
  });

  it("knows every row count until drift, and then those that were run lately", () => {
    const cost = new CostCorrection();
    run(cost, 50, [1, 8], () => 1);
    expect([1, 4, 8, 16].map((rows) => cost.knows(rows))).toEqual([true, true, true, true]);
    run(cost, 500, [8], () => 1.3);
    expect([1, 4, 8, 16].map((rows) => cost.knows(rows))).toEqual([false, false, true, false]);
    run(cost, 3, [1], () => 1);
    expect([1, 4, 8, 16].map((rows) => cost.knows(rows))).toEqual([true, false, true, false]);
  });

  it("relies on every row count where all of them are slower alike", () => {
    const cost = new CostCorrection();
    run(cost, 50, [1, 8], () => 1);
    run(cost, 500, [1, 8], () => 1.4);
    expect(cost.stale).toBe(true);
    expect([1, 4, 8, 16].map((rows) => cost.knows(rows))).toEqual([true, true, true, true]);
  });

  it("learns the shape anew after drift, within a few forwards of the other kind", () => {
    const cost = new CostCorrection();
    run(cost, 50, [1, 8], () => 1);
    run(cost, 300, [8], () => 1.3);
    // All of the shift looks like the machine's until one position is run again.
    expect(cost.shape(8) / cost.shape(1)).toBeCloseTo(1, 6);
    run(cost, 20, [1, 8], (rows) => (rows === 8 ? 1.3 : 1));
    expect(cost.shape(8) / cost.shape(1)).toBeCloseTo(1.3, 1);
  });

  it("takes its first level from the fastest of the first forwards: the very first is cold", () => {
    const cost = new CostCorrection();
    cost.observe(1, 90, 10);
    run(cost, 4, [1], () => 1.02);
    expect(cost.level).toBeCloseTo(1.02, 6);
  });

  it("drops a profile that one row count contradicts, and relies on what was observed alone", () => {
    const cost = new CostCorrection();
    run(cost, 4, [8, 1], (rows) => (rows === 8 ? 6 : 1));
    expect([cost.dropped, cost.stale]).toEqual([true, true]);
    expect([1, 4, 8, 16].map((rows) => cost.knows(rows))).toEqual([true, false, true, false]);
    expect(cost.shape(8) / cost.shape(1)).toBeGreaterThan(6);
    expect(cost.shape(8) / cost.shape(1)).toBeLessThan(7);
  });

  it("asks for one of the smallest forwards where only that tells, and not for ever where nothing is measured", () => {
    const cost = new CostCorrection();
    expect(cost.asksForBase).toBe(false);
    cost.observe(8, 60, 10);
    expect(cost.asksForBase).toBe(true);
    for (let i = 0; i < 3; i++) cost.observe(1, 0, 10);
    expect(cost.asksForBase).toBe(false);
    cost.observe(8, 60, 10);
    expect(cost.asksForBase).toBe(true);
    cost.observe(1, 10, 10);
    expect(cost.asksForBase).toBe(false);
  });

  it("runs nothing far wider than what was found to fit", () => {
    const cost = new CostCorrection();
    expect(cost.mostRows).toBe(16);
    run(cost, 4, [1, 16], () => 1);
    expect(cost.mostRows).toBe(64);
  });

  it("corrects each row count for itself", () => {
    const cost = new CostCorrection();
    run(cost, 300, [1, 2, 1, 4], (rows) => (rows === 2 ? 1.35 : 1));
    expect(cost.shape(2) / cost.shape(4)).toBeGreaterThan(1.2);
  });
});
