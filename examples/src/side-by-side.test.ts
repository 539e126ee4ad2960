import { expect, test } from "vitest";
import { sideBySide, sparkline } from "./side-by-side.ts";

test("two texts stand beside each other, the longer one sets the height", () => {
  const [first, second, ...rest] = sideBySide("a\nb", "c", 5).split("\n");
  expect(first).toMatch(/^ {2}a +│ c$/);
  expect(second).toMatch(/^ {2}b +│$/);
  expect(rest).toEqual([]);
});

test("a sparkline has a character a forward while it fits, lowest for one position, highest for 32", () => {
  expect(sparkline([1, 32, 1])).toBe("▁█▁");
  expect(sparkline(new Array(640).fill(1), 64)).toHaveLength(64);
  expect(sparkline([])).toBe("");
});
