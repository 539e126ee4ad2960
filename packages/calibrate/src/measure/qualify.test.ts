import { describe, expect, it } from "vitest";
import { COSTS, createSyntheticMachine, NOISES } from "../testing/synthetic-machine.ts";
import { Meter } from "./meter.ts";
import { clockGrain, forwardsPerSample, testAgainstItself } from "./qualify.ts";

describe("clockGrain", () => {
  it("finds the step of a coarse clock", () => {
    let reads = 0;
    expect(clockGrain(() => Math.floor(reads++ / 40) * 0.1)).toBeCloseTo(0.1, 9);
  });

  it("is 0 for a clock that moves only with the work", () => {
    expect(clockGrain(() => 5)).toBe(0);
  });
});

describe("forwardsPerSample", () => {
  // grain / (k * T(1)) <= epsilon / 10, so k = grain / (0.01 * T(1)) for epsilon 0.1.
  it.each([
    [1e-6, 0.6, 1],
    [0.1, 10, 1],
    [0.1, 0.6, 17],
    [0.005, 0.1, 5],
  ])("grain %d ms, T(1) %d ms: %d", (grainMs, baseMs, expected) => {
    expect(forwardsPerSample(grainMs, baseMs, 0.1)).toBe(expected);
  });

  it("gives up where even 64 forwards are too short", () => {
    expect(forwardsPerSample(0.1, 0.1, 0.1)).toBeUndefined();
  });
});

describe("testAgainstItself", () => {
  const test = async (noise: keyof typeof NOISES, seed: number) => {
    const { probe, clock } = createSyntheticMachine({ cost: COSTS.free, noise: NOISES[noise], seed, coldFactor: 1 });
    const meter = new Meter(probe, clock, { forwards: 1_000, ms: 1e9 }, undefined);
    return { ...(await testAgainstItself(meter, 0.1)), forwards: meter.forwards };
  };

  it("tells nothing apart from 1 on a silent machine, at the price of one round", async () => {
    const { smallestRatio, resolvable, forwards } = await test("silent", 1);
    expect({ resolvable, forwards }).toEqual({ resolvable: true, forwards: 9 });
    expect(smallestRatio).toBeCloseTo(1, 9);
  });

  it("passes every machine that can be measured and no other", async () => {
    for (let seed = 1; seed <= 50; seed++) {
      for (const noise of ["quiet", "drifting", "bursty", "contended"] as const) {
        expect((await test(noise, seed)).resolvable, `${noise} ${seed}`).toBe(true);
      }
      expect((await test("hopeless", seed)).resolvable, `hopeless ${seed}`).toBe(false);
    }
  });
});
