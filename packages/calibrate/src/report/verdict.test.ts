import type { Profile } from "@nearfree/core";
import { describe, expect, test } from "vitest";
import { plainProfile } from "../testing/profiles.ts";
import { gridVerdict, overPrediction, verdict, verdictDetail } from "./verdict.ts";

const dip = (prefix: number): Profile => {
  const profile = plainProfile();
  const boundaries = profile.boundaries.map((boundary) => ({
    ...boundary,
    prefixFree: prefix,
    freeSet: [[1, prefix] as [number, number], [8, 16] as [number, number]],
  }));
  return { ...profile, boundaries };
};

describe("verdict", () => {
  test.each([
    [plainProfile(), "6 positions are near-free; idle compute promises 19."],
    [plainProfile({ idle: 6 }), "6 positions are near-free, as idle compute promises."],
    [plainProfile({ level: "~" }), "About 6 positions are near-free; idle compute promises 19."],
    [plainProfile({ level: "unresolvable" }), "Too much noise to tell which positions are near-free."],
    [
      plainProfile({
        curve: [
          [1, 1],
          [2, 2],
        ],
      }),
      "No second position is near-free; idle compute promises 19.",
    ],
    [
      plainProfile({
        curve: [
          [1, 1],
          [64, 1.02],
        ],
        idle: 300,
      }),
      "All 64 positions measured are near-free; idle compute promises 300.",
    ],
    [dip(4), "4 positions are near-free, and so are 8–16; idle compute promises 19."],
    [dip(1), "No second position is near-free, but 8–16 are; idle compute promises 19."],
  ])("%#: %s", (profile, sentence) => expect(verdict(profile)).toBe(sentence));

  test("says what was compared and how sure it is", () => {
    expect(verdictDetail(plainProfile({ level: "budget" }))).toMatch(
      /up to 6 positions costs at most 1\.10 .* budget was spent/,
    );
    expect(
      verdictDetail(
        plainProfile({
          curve: [
            [1, 1],
            [2, 2],
          ],
        }),
      ),
    ).toMatch(/^A forward of 2 positions costs more than 1\.10/);
  });

  test("over several cells gives the range, without those that noise hides", () => {
    const cells = [
      plainProfile(),
      plainProfile({
        curve: [
          [1, 1],
          [2, 2],
        ],
      }),
      plainProfile({ level: "unresolvable" }),
    ];
    expect(gridVerdict(cells)).toBe("1 to 6 positions are near-free, by context and batch; idle compute promises 19.");
  });

  test("over-prediction is the promise over what was measured", () => {
    expect(overPrediction(plainProfile({ idle: 15 }), 0.1)).toBe(2.5);
  });
});
