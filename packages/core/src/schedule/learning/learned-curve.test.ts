import { expect, it } from "vitest";
import { LearnedCurve } from "./learned-curve.ts";

const teach = (curve: LearnedCurve, rows: number, ratio: number) => {
  for (const each of [10 * ratio, ratio, 1.1 * ratio, 3 * ratio, 0.9 * ratio, ratio]) curve.learn(rows, each);
};

it("knows one position at first, and prices the rest as if each row cost as much", () => {
  const curve = new LearnedCurve(20);
  expect(curve.maxPositions).toBe(16);
  expect([...curve.paddedRows]).toEqual([1, 2, 4, 4, 8, 8, 8, 8, 16, 16, 16, 16, 16, 16, 16, 16]);
  expect([1, 2, 4, 8, 16].map((n) => [curve.knows(n), curve.costMs[n - 1]])).toEqual([
    [true, 1],
    [false, 2],
    [false, 4],
    [false, 8],
    [false, 16],
  ]);
  expect(curve.prefixFree(100)).toBe(1);
});

it("takes the median of a row count's samples, the cold first one left out, and scales what it does not know by it", () => {
  const curve = new LearnedCurve(8);
  teach(curve, 2, 1.1);
  expect(curve.knows(2)).toBe(true);
  expect(curve.costMs[1]).toBeCloseTo(1.1, 9);
  expect(curve.costMs[3]).toBeCloseTo(2.2, 9);
  expect(curve.prefixFree(0.2)).toBe(2);
  curve.learn(2, 50);
  expect(curve.costMs[1]).toBeCloseTo(1.1, 9);
});

it("pads to a larger row count that turned out cheaper", () => {
  const curve = new LearnedCurve(4);
  teach(curve, 2, 2);
  teach(curve, 4, 1.3);
  expect([...curve.paddedRows]).toEqual([1, 4, 4, 4]);
  expect([...curve.smallestRows]).toEqual([1, 2, 4, 4]);
});

it("takes nothing from a forward that was not measured", () => {
  const curve = new LearnedCurve(2);
  for (let i = 0; i < 20; i++) curve.learn(2, [0, Number.NaN, -1][i % 3]!);
  expect(curve.knows(2)).toBe(false);
});
