import { expect, it } from "vitest";
import { rowError, rowErrors } from "./compare-rows.ts";

it("measures a row against the spread of its reference", () => {
  expect(rowError([1, 2, 3], [1, 2, 3])).toBe(0);
  expect(rowError([2, 1], [1, -1])).toBeCloseTo(Math.sqrt(5 / 2), 12);
  // The same error in models of small and of large logits, with and without an offset.
  const reference = [-1, 0, 3, 2];
  const row = [-1.1, 0.1, 3, 2];
  const scaled = rowError(
    row.map((x) => 50 * x + 7),
    reference.map((x) => 50 * x + 7),
  );
  expect(scaled).toBeCloseTo(rowError(row, reference), 9);
});

it("calls what is no number infinitely far", () => {
  expect(rowError([Number.NaN, 1], [0, 1])).toBe(Number.POSITIVE_INFINITY);
  expect(rowError([1, 1], [0, 0])).toBe(Number.POSITIVE_INFINITY);
});

it("takes the rows of a forward apart", () => {
  const singles = [Float32Array.of(1, -1), Float32Array.of(2, 0)];
  expect(rowErrors(Float32Array.of(1, -1, 2, 1), 2, singles)).toEqual([0, Math.sqrt(1 / 2)]);
});
