import { describe, expect, it } from "vitest";
import { compareEverywhere, recordSingly, recordTogether } from "./compare-rows.ts";
import { InvarianceRecorder, type RowFacts } from "./invariance.ts";
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
    const { classes, maxDifference, rows } = record([1, logits(1)], [8, logits(8)], [3, logits(3)]);
    expect({ classes, maxDifference, rows }).toEqual({ classes: [[1, 3, 8]], maxDifference: 0, rows: 2 });
    expect(record([8, logits(8)], [1, logits(1)], [3, logits(3)]).classes).toEqual([[1, 3, 8]]);
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

  it("counts rows whose best column differs from that of the row run by itself", () => {
    const near = logits(16);
    near[COLUMNS] = 1.05;
    expect(record([1, logits(16)], [2, logits(2)], [16, near])).toEqual({
      classes: [[1, 2], [16]],
      maxDifference: expect.closeTo(0.55, 5),
      rows: 18,
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

/** What a recorder makes of places [n, logits][], n = 1 first. */
function recordPlaces(facts: RowFacts | undefined, ...places: (readonly [n: number, logits: Float32Array])[][]) {
  const recorder = new InvarianceRecorder(facts);
  places.forEach((forwards, place) => {
    for (const [n, rows] of forwards) recorder.record(n, rows, COLUMNS, place);
  });
  return recorder.result();
}

describe("a class is what agreed at every place", () => {
  it("parts those that agreed by chance at one", () => {
    const one = [1, 2, 3, 4].map((n) => [n, logits(n)] as const);
    const other = [1, 2, 3, 4].map((n) => [n, logits(n, n > 2 ? 2 ** -12 : 0)] as const);
    expect(recordPlaces({}, one, other)).toMatchObject({
      classes: [
        [1, 2],
        [3, 4],
      ],
      rows: 6,
    });
  });

  it("leaves an n alone that was not compared at one", () => {
    const one = [1, 2, 3].map((n) => [n, logits(n)] as const);
    expect(recordPlaces({}, one, one.slice(0, 2)).classes).toEqual([[1, 2], [3]]);
  });

  it("compares apart from the budget, each n once a place, its rows as far as they are alike", async () => {
    const ran: string[] = [];
    const rows = {
      columns: COLUMNS,
      places: 3,
      async together(n: number, place = 0) {
        ran.push(`${n} at ${place}`);
        return logits(place === 2 ? Math.ceil(n / 2) : n);
      },
      async singly(count: number, place = 0) {
        ran.push(`${count} singly at ${place}`);
        return logits(count);
      },
    };
    const probe = { maxPositions: 64, prepare: () => {}, run: async () => {}, rows };
    const meter = new Meter(probe, () => 0, { forwards: 1, ms: 1_000 }, undefined);
    const recorder = new InvarianceRecorder({});
    recorder.record(1, logits(16), COLUMNS);
    recorder.record(4, logits(4), COLUMNS);
    await compareEverywhere(recorder, rows, meter, [1, 2, 4], { most: 64, hinted: false });
    expect(ran).toEqual(["2 at 0", "8 singly at 1", "2 at 1", "4 at 1", "8 singly at 2", "2 at 2", "4 at 2"]);
    expect(recorder.result()).toMatchObject({ classes: [[1, 2, 4]], rows: 6 + 6 + 3 });
    expect([meter.forwards, meter.compared]).toEqual([0, 21]);
  });
});

describe("what is known of the rows", () => {
  const agreeing = [1, 2, 3, 4].map((n) => [n, logits(n)] as const);

  it("rows that depend on each other are of no class, however they agree", () => {
    const found = recordPlaces({ dependence: "one scale" }, agreeing);
    expect(found).toMatchObject({ classes: [[1], [2], [3], [4]], dependent: "one scale" });
  });

  it("rows whose rounding depends on the length are of no class, however they agree here", () => {
    const found = recordPlaces({ unsteady: "attention apart" }, agreeing);
    expect(found.classes).toEqual([[1], [2], [3], [4]]);
    expect(found.dependent).toBeUndefined();
  });

  it("coarse kernels are named; where they hide differences, few rows make no class", () => {
    expect(recordPlaces({ coarse: "int8" }, agreeing)).toMatchObject({ classes: [[1, 2, 3, 4]], coarse: "int8" });
    const half = { coarse: "float16", hidden: "float16" };
    expect(recordPlaces(half, agreeing)).toMatchObject({ classes: [[1], [2], [3], [4]], coarse: "float16" });
    const wide = 1 << 16;
    const recorder = new InvarianceRecorder(half);
    for (const n of [1, 2, 3]) recorder.record(n, new Float32Array(n * wide), wide);
    expect(recorder.result().classes).toEqual([[1], [2, 3]]);
  });

  it("rows far from single ones, with flips, are a wrong mask or a dependence: no class", () => {
    const wrong = (n: number) => [n, logits(n).map((value, i) => value + (i % 4 === 3 ? 5.5 : 0))] as const;
    const found = recordPlaces(undefined, [[1, logits(8)], wrong(2), wrong(3), wrong(8)]);
    expect(found.classes).toEqual([[1], [2], [3], [8]]);
    expect(found.dependent).toMatch(
      /^rows of several positions differ from single ones by 5\.5 at most, with \d+ argmax flips in 13 rows/,
    );
  });

  it("but one flip in a hundred is what coarse kernels do, and none is what fp32 does", () => {
    const near = logits(64);
    near[1] = 1.1;
    const forwards = [[1, logits(64)] as const, [2, logits(2)] as const, [64, near] as const];
    for (const facts of [undefined, { coarse: "int8" }]) {
      expect(recordPlaces(facts, forwards)).toMatchObject({ classes: [[1, 2], [64]], argmaxFlips: 1 });
      expect(recordPlaces(facts, forwards).dependent).toBeUndefined();
    }
    expect(recordPlaces({}, forwards).dependent).toContain("0.60 at most, with 1 argmax flips in 66 rows");
  });
});
