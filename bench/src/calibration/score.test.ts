import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decidingPositions, isRight, isSameStair, isUnsafe, mode } from "./score.ts";

const threshold = { epsilon: 0.1, maxPositions: 8 };
const ratios = [1, 1.02, 1.05, 1.11, 1.3, 1.31, 1.5, 1.6];
const ratioOf = (n: number) => ratios[n - 1];

describe("isRight", () => {
  it("allows 2% on either side of the threshold", () => {
    expect([1, 2, 3, 4, 5, 6].map((n) => isRight(n, ratioOf, threshold))).toEqual([
      false, // 1.02 at n = 2 is clearly free
      false, // 1.05 < 1.1 / 1.02
      true,
      true, // 1.11 < 1.1 * 1.02
      false,
      false,
    ]);
  });

  it("has nothing to ask beyond the largest n", () => {
    expect(isRight(8, () => 1.05, threshold)).toBe(true);
    expect(isRight(8, ratioOf, threshold)).toBe(false);
  });

  it("is false where the reference says nothing", () => {
    expect(isRight(3, () => undefined, threshold)).toBe(false);
  });
});

describe("isUnsafe", () => {
  it("looks at every n up to the boundary", () => {
    expect(isUnsafe(4, ratioOf, threshold)).toBe(false);
    expect(isUnsafe(5, ratioOf, threshold)).toBe(true);
    expect(isUnsafe(4, (n) => (n === 3 ? 1.2 : 1.05), threshold)).toBe(true);
  });

  it("never holds of a right boundary on a rising curve", () => {
    const rises = fc.array(fc.double({ min: 0, max: 0.2, noNaN: true }), { minLength: 7, maxLength: 7 });
    fc.assert(
      fc.property(rises, fc.integer({ min: 1, max: 8 }), (steps, boundary) => {
        let height = 1;
        const curve = [1, ...steps.map((rise) => (height += rise))];
        const own = (n: number) => curve[n - 1];
        return !(isRight(boundary, own, threshold) && isUnsafe(boundary, own, threshold));
      }),
    );
  });
});

describe("agreement of repeats", () => {
  it("takes the most frequent boundary, of several the smallest", () => {
    expect(mode([5, 3, 5, 3, 9])).toBe(3);
    expect(mode([])).toBeNaN();
  });

  it("counts n of the same cost as one stair", () => {
    expect(isSameStair(5, 6, ratioOf)).toBe(true);
    expect(isSameStair(3, 4, ratioOf)).toBe(false);
    expect(isSameStair(20, 20, ratioOf)).toBe(true);
    expect(isSameStair(20, 21, ratioOf)).toBe(false);
  });
});

it("measures both sides of every boundary, and likely edges below", () => {
  expect(decidingPositions([1], [2, 4], 8)).toEqual([2]);
  expect(decidingPositions([5, 8], [2, 3, 7, 9], 8)).toEqual([2, 3, 4, 5, 6, 7, 8]);
});
