import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createScores } from "../../contracts/scores.ts";
import { Survival } from "./survival.ts";

function learn(survival: Survival, position: number, confidence: number, outcomes: readonly number[]): void {
  const scores = createScores(1);
  scores.length = 1;
  for (const accepted of outcomes) {
    scores.position[0] = position;
    scores.confidence[0] = confidence;
    scores.accepted[0] = accepted;
    survival.learn(scores);
  }
}

describe("Survival", () => {
  it("believes a drafter that was never seen, and multiplies", () => {
    const out = new Float64Array(4);
    new Survival().fill(Float32Array.of(0.5, 0.5, 0.25), 3, out);
    expect([...out]).toEqual([1, 0.5, 0.25, 0.0625]);
  });

  it("takes confidences outside of [0, 1] for the nearest, and NaN for 0", () => {
    const survival = new Survival();
    expect([Number.NaN, -3, 4].map((confidence) => survival.acceptance(0, confidence))).toEqual([0, 0, 1]);
  });

  it("learns what a confidence is worth at a position, and a little of it at others", () => {
    const survival = new Survival();
    learn(survival, 0, 0.9, new Array(100).fill(0));
    expect(survival.acceptance(0, 0.9)).toBeLessThan(0.12);
    expect(survival.acceptance(5, 0.9)).toBeGreaterThan(survival.acceptance(0, 0.9));
    expect(survival.acceptance(5, 0.9)).toBeLessThan(0.5);
    expect(survival.acceptance(0, 0.5)).toBe(0.5);
  });

  it("forgets: a hundred scores of a new regime outweigh a thousand of the old", () => {
    const survival = new Survival();
    learn(survival, 0, 0.7, new Array(1000).fill(1));
    learn(survival, 0, 0.7, new Array(100).fill(0));
    expect(survival.acceptance(0, 0.7)).toBeLessThan(0.3);
  });

  it("gives survivals that are probabilities and never rise, whatever it saw", () => {
    const score = fc.tuple(fc.nat(255), fc.float(), fc.nat(1));
    const check = (seen: [number, number, number][], asked: number[]) => {
      const survival = new Survival();
      for (const [position, confidence, accepted] of seen) learn(survival, position, confidence, [accepted]);
      const out = new Float64Array(asked.length + 1);
      survival.fill(Float32Array.from(asked), asked.length, out);
      expect([...out].every((value, k) => value >= 0 && value <= (k === 0 ? 1 : out[k - 1]!))).toBe(true);
    };
    fc.assert(fc.property(fc.array(score, { maxLength: 50 }), fc.array(fc.float(), { maxLength: 40 }), check));
  });
});
