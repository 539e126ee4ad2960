import { expect, test } from "vitest";
import {
  formatChange,
  formatCount,
  formatMs,
  formatRanges,
  formatRate,
  formatRatio,
  formatScientific,
  formatTime,
} from "./format.ts";

test("figures as a reader expects them", () => {
  expect([1, 1.234, 12.34].map((ratio) => formatRatio(ratio))).toEqual(["1.00", "1.23", "12.3"]);
  expect([0, 0.6104, 12.345, 432.1, 12_345].map(formatMs)).toEqual(["0 ms", "0.610 ms", "12.3 ms", "432 ms", "12.3 s"]);
  expect([0.012, -0.012, 0.0001].map(formatChange)).toEqual(["+1.2%", "\u22121.2%", "±0.0%"]);
  expect(formatRate(1.9e11, "FLOP/s")).toBe("190 GFLOP/s");
  expect(formatRate(12, "B/s")).toBe("12.0 B/s");
  expect([formatCount(1, "flip"), formatCount(1200, "row")]).toEqual(["1 flip", "1,200 rows"]);
  expect([0, 0.13, 1.4e-5].map(formatScientific)).toEqual(["0", "0.13", "1.4 × 10⁻⁵"]);
});

test("ranges join first and last; a single n stands alone", () => {
  expect(
    formatRanges([
      [1, 4],
      [8, 8],
    ]),
  ).toBe("1–4, 8");
});

test("times are UTC minutes; text that is no time stays", () => {
  expect(formatTime("2026-01-02T03:04:05.678Z")).toBe("2026-01-02 03:04 UTC");
  expect(formatTime("yesterday")).toBe("yesterday");
});
