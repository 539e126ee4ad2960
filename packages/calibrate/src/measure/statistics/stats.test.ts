import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRandom } from "./random.ts";
import { estimate, expectedHalfWidth, INTERVAL_Z, median, pooledScale, studentQuantile, typical } from "./stats.ts";

const finite = fc.double({ min: -10, max: 10, noNaN: true });

describe("median", () => {
  it("is the middle, or the mean of the two in the middle", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([])).toBeNaN();
  });

  it("moves with its sample and does not depend on its order", () => {
    fc.assert(
      fc.property(fc.array(finite, { minLength: 1 }), finite, (values, shift) => {
        expect(median(values.toReversed())).toBe(median(values));
        expect(median(values.map((value) => value + shift))).toBeCloseTo(median(values) + shift, 9);
      }),
    );
  });
});

describe("typical", () => {
  it("is the 35% quantile, median-unbiased whatever the size of the sample", () => {
    const random = createRandom(3);
    for (const samples of [3, 4, 5, 9, 40]) {
      let below = 0;
      for (let i = 0; i < 4_000; i++) if (typical(Array.from({ length: samples }, random)) < 0.35) below++;
      expect(below / 4_000, `${samples} samples`).toBeGreaterThan(0.46);
      expect(below / 4_000, `${samples} samples`).toBeLessThan(0.54);
    }
  });

  it("does not see half of its sample disturbed", () => {
    expect(typical([1, 1.01, 1.02, 0.99, 3, 8, 2, 5])).toBeLessThan(1.02);
  });
});

describe("studentQuantile", () => {
  // Tables of Student's t, 97.5% (normal quantile 1.959964): 8, 10, 20 and 60 degrees of freedom.
  it.each([
    [8, 2.306],
    [10, 2.2281],
    [20, 2.086],
    [60, 2.0003],
  ])("%d degrees of freedom", (freedom, expected) => {
    expect(studentQuantile(1.959964, freedom)).toBeCloseTo(expected, 3);
  });
});

describe("pooledScale", () => {
  it("ignores the centres of the groups", () => {
    const shape = [-1, 0, 1, 2];
    const groups = [0, 10, -5].map((centre) => shape.map((value) => value + centre));
    expect(pooledScale(groups)).toBeCloseTo(pooledScale([shape, shape, shape]), 12);
  });

  it("finds the standard deviation of normal noise, a tenth of it spoilt", () => {
    const random = createRandom(7);
    const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const groups = Array.from({ length: 50 }, () =>
      Array.from({ length: 20 }, () => (random() < 0.1 ? 5 : 0.02 * normal())),
    );
    expect(pooledScale(groups)).toBeGreaterThan(0.019);
    expect(pooledScale(groups)).toBeLessThan(0.026);
  });

  it("is NaN where no group has two samples", () => {
    expect(pooledScale([[1], [], [2]])).toBeNaN();
  });
});

describe("estimate", () => {
  it("holds the truth about as often as its z says, with the noise known from elsewhere", () => {
    const random = createRandom(11);
    const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const truth = 0.1 - 0.38532 * 0.02; // the normal quantile of 0.35
    for (const samples of [3, 5, 12, 30]) {
      let held = 0;
      for (let i = 0; i < 2_000; i++) {
        const { centre, halfWidth } = estimate(
          Array.from({ length: samples }, () => 0.1 + 0.02 * normal()),
          0.02,
        );
        if (Math.abs(centre - truth) <= halfWidth) held++;
      }
      expect(held / 2_000).toBeGreaterThan(0.96);
    }
  });

  it("does not believe three samples that happen to agree", () => {
    expect(estimate([0.1, 0.1, 0.1], 0.05).halfWidth).toBeGreaterThan(0.05);
  });

  it("narrows with the root of the samples", () => {
    expect(expectedHalfWidth(0.02, 4) / expectedHalfWidth(0.02, 16)).toBeCloseTo(2, 12);
    expect(expectedHalfWidth(0.02, 1)).toBeCloseTo(0.02 * INTERVAL_Z * 1.2877, 6);
  });
});
