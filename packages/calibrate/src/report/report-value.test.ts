import { parseProfile, worthOf } from "@nearfree/core";
import { expect, test } from "vitest";
import { fullProfile, TEST_KEY } from "../testing/profiles.ts";
import { reportValue } from "./report-value.ts";

test("groups, verdicts and boundaries beside whole profiles, as JSON", () => {
  const { version, groups } = JSON.parse(JSON.stringify(reportValue([fullProfile()])));
  expect(version).toBe(1);
  expect(groups).toMatchObject([
    { model: TEST_KEY.model, verdict: "6 positions are near-free; idle compute promises 19." },
  ]);
  expect(groups[0].headline).toMatch(/^2\.80 times as fast with 6 positions/);
  const [cell] = groups[0].cells;
  expect(cell.worth).toEqual(worthOf(fullProfile()));
  expect(cell.boundaries[1]).toEqual({
    epsilon: 0.1,
    prefixFree: 6,
    level: "certified",
    freeSet: [[1, 6]],
    overPrediction: 19 / 6,
  });
  expect(parseProfile(cell.profile)).toEqual(fullProfile());
});
