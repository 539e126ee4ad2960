import { describe, expect, it } from "vitest";
import { Samples } from "./statistics/samples.ts";
import { nextPositions, openQuestions } from "./sweep.ts";

const NOISE = [-0.004, 0.003, 0.001, -0.002, 0.004, -0.001, 0.002, -0.003];

/** Eight close samples of each ratio: decided against any threshold that is 1% away. */
function known(ratios: Record<number, number>): Samples {
  const samples = new Samples();
  samples.addNull(NOISE);
  for (const [n, ratio] of Object.entries(ratios)) {
    samples.resume(
      Number(n),
      NOISE.map((noise) => Math.log(ratio) + noise),
    );
  }
  return samples;
}
const goals = {
  maxPositions: 64,
  epsilon: 0.1,
  otherEpsilons: [0.05, 0.2, 0.5],
  late: false,
  extra: true,
  edges: false,
};

describe("openQuestions", () => {
  it("starts at the first right edges", () => {
    expect(openQuestions(known({}), 0.1, 64)).toEqual([2, 3, 4, 6]);
    expect(openQuestions(known({}), 0.1, 3)).toEqual([2, 3]);
    expect(openQuestions(known({}), 0.1, 1)).toEqual([]);
  });

  it("walks on while points are free", () => {
    expect(openQuestions(known({ 2: 1, 3: 1, 4: 1, 6: 1 }), 0.1, 64)).toEqual([8, 12, 16, 24]);
  });

  it("fills a narrow bracket and halves a wide one", () => {
    expect(openQuestions(known({ 2: 1, 3: 1, 4: 1.02, 6: 1.04, 8: 1.5 }), 0.1, 64)).toEqual([7]);
    const free = { 2: 1, 3: 1, 4: 1, 6: 1, 8: 1, 12: 1, 16: 1 };
    expect(openQuestions(known({ ...free, 24: 2 }), 0.1, 64)).toEqual([20]);
    expect(openQuestions(known({ ...free, 20: 1.05, 24: 2 }), 0.1, 64)).toEqual([21, 22, 23]);
  });

  it("goes back to the likely edges it stepped over, then is done", () => {
    const walked = { 2: 1, 3: 1, 4: 1, 6: 1, 8: 1, 12: 1.3 };
    expect(openQuestions(known({ ...walked, 9: 1.3 }), 0.1, 64)).toEqual([5, 7]);
    expect(openQuestions(known({ ...walked, 5: 1, 7: 1, 9: 1.3 }), 0.1, 64)).toEqual([]);
  });

  it("asks again about a point that ends the walk by few samples, or below free ones", () => {
    const samples = known({ 2: 1 });
    samples.resume(3, [0.5, 0.5, 0.5]);
    expect(openQuestions(samples, 0.1, 64)).toEqual([3]);
    samples.resume(3, [0.5, 0.5]);
    expect(openQuestions(samples, 0.1, 64)).toEqual([]);
    samples.resume(4, [0, 0, 0]);
    expect(openQuestions(samples, 0.1, 64)).toEqual([3]);
  });
});

describe("nextPositions", () => {
  it("serves the scheduler's points once the boundary is known, then the other epsilons", () => {
    const boundary = known({ 2: 1.01, 3: 1.02, 4: 1.15 });
    expect(nextPositions(boundary, goals)).toEqual([6, 8, 12, 16]);
    const served = { 2: 1.01, 3: 1.02, 4: 1.15, 6: 1.3, 8: 1.4, 12: 1.7, 16: 2, 24: 3, 32: 4 };
    expect(nextPositions(known(served), goals)).toEqual([5, 9, 10, 11]);
    expect(nextPositions(known(served), { ...goals, extra: false })).toEqual([]);
  });

  it("puts the scheduler's points first when the budget is nearly spent", () => {
    const samples = known({ 2: 1.01, 3: 1.02, 4: 1.08, 6: 1.3, 8: 1.4, 12: 1.7, 16: 2 });
    expect(nextPositions(samples, { ...goals, extra: false })).toEqual([5, 24, 32]);
    expect(nextPositions(samples, { ...goals, extra: false, late: true })).toEqual([24, 32, 5]);
  });

  it("looks for exact right edges of clear steps where the budget allows", () => {
    const samples = known({ 2: 1, 3: 1, 4: 1, 5: 1.3, 6: 1.3, 8: 1.3, 12: 1.8, 16: 1.8, 24: 1.8, 32: 1.8 });
    const only = { ...goals, otherEpsilons: [], extra: false };
    expect(nextPositions(samples, only)).toEqual([]);
    expect(nextPositions(samples, { ...only, edges: true })).toEqual([9]);
  });

  it("leaves the wide points of a steep curve alone", () => {
    expect(nextPositions(known({ 2: 2, 3: 3, 4: 4, 6: 6, 8: 8 }), goals)).toEqual([]);
  });
});
