import { describe, expect, it } from "vitest";
import { COSTS, createSyntheticMachine, NOISES } from "../testing/synthetic-machine.ts";
import { Meter } from "./meter.ts";
import { testAgainstItself } from "./qualify.ts";

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
