import { createNgramDrafter } from "@nearfree/core";
import { describe, expect, it } from "vitest";
import { REPLAY_CURVES } from "./curves/replay-curves.ts";
import { createStream, withDrafts } from "./stream.ts";
import { createCourse, segmentsByAcceptance, TRAFFICS } from "./traffic.ts";

/** Texts of one to twelve different tokens in a round: the fewer, the more a draft is worth at once. */
const texts = Array.from({ length: 12 }, (_, i) => {
  const tokens = Array.from({ length: 256 }, (_, t) => (t < 20 * i ? (t * t * 7 + i) % 211 : t % (i + 1)));
  return withDrafts({ id: `${i}`, kind: "edit", prompt: [1, 2, 3], tokens }, createNgramDrafter());
});
const ranked = segmentsByAcceptance(texts);
const traffic = (name: string) => TRAFFICS.find((each) => each.name === name)!;

describe("segmentsByAcceptance", () => {
  it("puts those first that drafts do worst on", () => {
    expect(ranked.length).toBe(12);
    const worth = ranked.map(({ text }) => {
      const { right } = createStream([{ text, from: 0, to: 200 }], { as: "requests" });
      return right.reduce((sum, stands) => sum + Math.min(stands, 7), 0);
    });
    expect(worth).toEqual(worth.slice().sort((a, b) => a - b));
    expect(worth[0]!).toBeLessThan(worth[11]! / 2);
  });
});

describe("createCourse", () => {
  it("is the same for the same seed, and another for another", () => {
    const [curve] = REPLAY_CURVES;
    for (const each of TRAFFICS) {
      const course = createCourse(curve!, each, ranked, 3);
      expect(createCourse(curve!, each, ranked, 3)).toEqual(course);
      expect(createCourse(curve!, each, ranked, 4).noise).not.toEqual(course.noise);
      expect(course.stream.length).toBe(3200);
      expect(course.noise.reduce((sum, value) => sum + value, 0) / 3200).toBeCloseTo(1, 2);
    }
  });

  it("changes between the best and the worst third where regimes do", () => {
    const { stream } = createCourse(REPLAY_CURVES[0]!, traffic("regimes"), ranked, 1);
    const worth = (from: number) => stream.right.slice(from, from + 150).reduce((sum, each) => sum + each, 0);
    for (let segment = 0; segment < 16; segment += 2)
      expect(worth(200 * segment)).toBeGreaterThan(worth(200 * segment + 200));
  });
});
