import { describe, expect, it } from "vitest";
import { InvarianceRecorder, recordSingly, recordTogether } from "./invariance.ts";
import { Meter } from "./meter.ts";

const COLUMNS = 4;

/** Row j of [n, 4], its best column j % 4; `shift` is what a kernel's rounding adds. */
function logits(n: number, shift = 0): Float32Array {
  return Float32Array.from({ length: n * COLUMNS }, (_, i) => {
    const [row, column] = [Math.floor(i / COLUMNS), i % COLUMNS];
    return (column === row % COLUMNS ? 1 : 0.5) + shift;
  });
}

function record(...forwards: [n: number, logits: Float32Array][]) {
  const recorder = new InvarianceRecorder();
  for (const [n, rows] of forwards) recorder.record(n, rows, COLUMNS);
  return recorder.result();
}

describe("InvarianceRecorder", () => {
  it("puts equal bits into one class, whatever the order of the forwards", () => {
    const { classes, maxDifference, rows } = record([8, logits(8)], [1, logits(1)], [3, logits(3)]);
    expect({ classes, maxDifference, rows }).toEqual({ classes: [[1, 3, 8]], maxDifference: 0, rows: 0 });
  });

  it("parts n = 1 from the rest by its only row, and measures how far", () => {
    const result = record([1, logits(1, 2 ** -10)], [2, logits(2)], [4, logits(4)]);
    expect(result).toEqual({ classes: [[1], [2, 4]], maxDifference: 2 ** -10, rows: 2, argmaxFlips: 0 });
  });

  it("compares as many rows of n = 1 as a probe runs singly", async () => {
    const recorder = new InvarianceRecorder();
    recorder.record(1, logits(1, 2 ** -10), COLUMNS);
    const rows = {
      columns: COLUMNS,
      together: async (n: number) => logits(n),
      singly: async (count: number) => logits(count, 2 ** -10),
    };
    const probe = { maxPositions: 3, prepare: () => {}, run: async () => {}, rows };
    const meter = new Meter(probe, () => 0, { forwards: 100, ms: 1_000 }, undefined);
    await recordSingly(recorder, rows, meter, { most: 3, hinted: false });
    await recordTogether(recorder, rows, meter, 8);
    expect(recorder.result()).toEqual({ classes: [[1], [8]], maxDifference: 2 ** -10, rows: 3, argmaxFlips: 0 });
    expect(meter.forwards).toBe(4);
  });

  it("counts rows whose best column differs", () => {
    const flipped = logits(2);
    flipped[COLUMNS + 2] = 3;
    expect(record([2, logits(2)], [3, Float32Array.from([...flipped, ...logits(1)])])).toEqual({
      classes: [[2], [3]],
      maxDifference: 2.5,
      rows: 2,
      argmaxFlips: 1,
    });
  });

  it("compares a class by the widest rows it has", () => {
    const other = logits(8);
    other[7 * COLUMNS] = 9;
    const { classes } = record([2, logits(2)], [8, logits(8)], [9, Float32Array.from([...other, ...logits(1)])]);
    expect(classes).toEqual([[2, 8], [9]]);
  });

  it("tells bits apart that compare equal: -0 is not 0", () => {
    expect(
      record([1, new Float32Array([0, 1, 0, 0])], [2, new Float32Array([-0, 1, 0, 0, 0, 0, 0, 0])]).classes,
    ).toEqual([[1], [2]]);
  });

  it("leaves an n whose repeats differ alone", () => {
    const result = record([2, logits(2)], [3, logits(3)], [3, logits(3, 1)], [3, logits(3)], [4, logits(4)]);
    expect(result.classes).toEqual([[2, 4], [3]]);
  });
});
