import { describe, expect, it } from "vitest";
import { durationText, TimeLeft } from "./time-left.ts";

describe("TimeLeft", () => {
  /** Reports after each of `paces` ms a forward, 10 forwards each, out of `limit`. */
  function estimates(paces: readonly number[], limit: number, budgetMs = 1e6): number[] {
    let now = 5_000;
    const left = new TimeLeft(() => now, budgetMs);
    return paces.map((pace, i) => {
      now += 10 * pace;
      return left.after(10 * (i + 1), limit);
    });
  }

  it("is what the other forwards take at a steady pace", () => {
    expect(estimates([2, 2, 2], 100)).toEqual([180, 160, 140]);
  });

  it("follows the latest 40 forwards", () => {
    expect(estimates([1, 1, 9, 9, 9, 9], 100).at(-1)).toBe(9 * 40);
  });

  it("is never more than what the budget of time leaves, nor less than 0", () => {
    expect(estimates([10, 10, 10, 10], 1_000, 350)).toEqual([250, 150, 50, 0]);
    expect(estimates([1, 1], 15)).toEqual([5, 0]);
  });
});

it.each([
  [0, "1 s"],
  [1_400, "1 s"],
  [59_400, "59 s"],
  [80_000, "1 min 20 s"],
])("%s ms is %s", (ms, text) => {
  expect(durationText(ms)).toBe(text);
});
