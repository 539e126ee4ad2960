import { describe, expect, it } from "vitest";
import { plainProfile } from "../testing/profiles.ts";
import { knownWorth, toleranceNote, worthHeadline, worthLine } from "./worth-words.ts";

const noise = plainProfile({ level: "unresolvable" });
const steep = plainProfile({
  curve: [
    [1, 1],
    [2, 2],
  ],
});
// An argmax flipped, and only two numbers of positions give the same bits: one position unless tolerant.
const bitwise = {
  ...plainProfile(),
  invariance: { classes: [[1], [2, 3], [4]], maxDifference: 1, rows: 9, argmaxFlips: 1 },
};

describe("worthHeadline", () => {
  it.each([
    ["a curve", [plainProfile()], "2.80 times as fast with 6 positions, where 7 of 10 draft tokens are accepted."],
    ["no gain", [steep], "One position at a time is best, where 7 of 10 draft tokens are accepted."],
    ["noise", [noise], "Too much noise to tell what further positions are worth."],
    [
      "several cells, without those that noise hides",
      [plainProfile(), steep, noise],
      "1.00 to 2.80 times as fast with 1 to 6 positions, where 7 of 10 draft tokens are accepted; by context and batch.",
    ],
    ["a bitwise run", [bitwise], "One position at a time is best, where 7 of 10 draft tokens are accepted."],
  ])("of %s", (_what, profiles, headline) => expect(worthHeadline(profiles)).toBe(headline));
});

it("names every acceptance in a line", () => {
  expect(worthLine(knownWorth(plainProfile())!)).toBe(
    "1.88x with 6 positions at 0.5, 2.80x with 6 at 0.7, 5.48x with 12 at 0.9",
  );
});

it("says what tolerance would give more, and nothing where it gives none", () => {
  expect(toleranceNote(knownWorth(bitwise)!)).toMatch(
    /"tolerant", which takes any n: 1\.88 times with 6, 2\.80 times with 6, 5\.48 times with 12 \(at 0\.5, 0\.7, 0\.9\)/,
  );
  expect(toleranceNote(knownWorth(plainProfile())!)).toBeUndefined();
  expect(knownWorth(noise)).toBeUndefined();
});
