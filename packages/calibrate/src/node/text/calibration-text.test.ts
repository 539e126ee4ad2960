import { expect, test } from "vitest";
import { CALIBRATION_TEXT } from "./calibration-text.ts";

test("the calibration text is varied: several scripts, code and prose, few repeated lines", () => {
  const lines = CALIBRATION_TEXT.split("\n").filter((line) => line.length > 2);
  expect(new Set(lines).size / lines.length).toBeGreaterThan(0.95);
  expect(CALIBRATION_TEXT).toMatch(/[\u4e00-\u9fff]/);
  expect(CALIBRATION_TEXT.length).toBeGreaterThan(2000);
});
