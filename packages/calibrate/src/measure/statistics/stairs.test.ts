import { describe, expect, it } from "vitest";
import { findStairs, modalWidth, type StepPoint } from "./stairs.ts";

const points = (ratios: Record<number, number>, halfWidth = 0.01, samples = 5): StepPoint[] =>
  Object.entries(ratios).map(([n, ratio]) => ({ positions: Number(n), centre: Math.log(ratio), halfWidth, samples }));

const everyTo = (last: number, cost: (n: number) => number) =>
  points(Object.fromEntries(Array.from({ length: last }, (_, i) => [i + 1, cost(i + 1)])));

describe("findStairs", () => {
  it("finds the stairs of a tiled curve and their right edges", () => {
    const stairs = findStairs(everyTo(24, (n) => 1 + 0.4 * Math.floor((n - 1) / 8)));
    expect(stairs.map(({ from, to }) => [from, to])).toEqual([
      [1, 8],
      [9, 16],
      [17, 24],
    ]);
    expect(stairs.map(({ ratio }) => Number(ratio.toFixed(6)))).toEqual([1, 1.4, 1.8]);
    expect(stairs.map(({ confirmed }) => confirmed)).toEqual([true, true, false]);
  });

  it("keeps a dip: nothing is forced to rise", () => {
    const stairs = findStairs(points({ 1: 1, 2: 1.9, 3: 2.8, 4: 1.07, 8: 1.07, 16: 1.08 }));
    expect(stairs.map(({ from, to }) => [from, to])).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
      [4, 16],
    ]);
  });

  it("takes noise inside the intervals for one stair", () => {
    const wobble = everyTo(16, (n) => 1 + (n % 2 === 0 ? 0.015 : -0.015));
    expect(findStairs(wobble)).toHaveLength(1);
    const wide = points({ 1: 1, 2: 1.1, 3: 0.95, 4: 1.05 }, 0.2);
    expect(findStairs(wide)).toHaveLength(1);
  });

  it("does not confirm a step whose sides overlap", () => {
    const stairs = findStairs([...points({ 1: 1, 2: 1, 3: 1, 4: 1 }), ...points({ 5: 1.3, 6: 1.3, 7: 1.3 }, 0.3)]);
    expect(stairs.every(({ confirmed }) => !confirmed)).toBe(true);
  });

  it("has one stair for one point, and none for none", () => {
    expect(findStairs(points({ 1: 1 }))).toEqual([{ from: 1, to: 1, ratio: 1, confirmed: false }]);
    expect(findStairs([])).toEqual([]);
  });
});

describe("modalWidth", () => {
  it("is the tile", () => {
    expect(modalWidth(findStairs(everyTo(32, (n) => 1 + 0.4 * Math.floor((n - 1) / 8))))).toBe(8);
    expect(modalWidth(findStairs(everyTo(30, (n) => 1 + 0.3 * Math.floor((n - 1) / 6))))).toBe(6);
  });

  it("counts only edges whose n is known", () => {
    const gaps = points({ 1: 1, 4: 1, 8: 1, 12: 1.5, 16: 1.5, 24: 2, 32: 2.5 });
    expect(modalWidth(findStairs(gaps))).toBeUndefined();
  });

  it("is absent for a flat curve and for widths that do not agree", () => {
    expect(modalWidth(findStairs(everyTo(16, () => 1)))).toBeUndefined();
    expect(
      modalWidth(findStairs(everyTo(20, (n) => 1 + [2, 5, 12].filter((edge) => n > edge).length))),
    ).toBeUndefined();
  });
});
