import type { Clock, Measurement } from "@nearfree/core";
import type { Probe } from "@nearfree/core/measure";
import { describe, expect, it } from "vitest";
import { COSTS, createSyntheticMachine, NOISES } from "../testing/synthetic-machine.ts";
import { calibrate } from "./calibrate.ts";
import { clockGrain, forwardsPerSample } from "./clock-grain.ts";
import { createRandom } from "./statistics/random.ts";

/** How a clock shows the time, given what time it is. */
type Face = (now: number) => number;
const coarse =
  (grain: number): Face =>
  (now) =>
    Math.floor(now / grain) * grain;
/** A step of `grain` whose edge is another at every reading, so that it may fall back by a step. */
const jittered = (grain: number): Face => {
  const random = createRandom(3);
  return (now) => Math.floor(now / grain + random()) * grain;
};
/** Steps under a little noise, which moves at every reading. */
const noisy = (grain: number): Face => {
  const random = createRandom(4);
  return (now) => Math.floor(now / grain) * grain + 0.02 * grain * random();
};
const GRAINS = [0.005, 0.1, 1, 16.7, 100];

/** A clock of this face on a time that only its reading moves on. */
function ticking(face: Face): Clock {
  let now = 12_345.678;
  return () => {
    now += 4e-5;
    return face(now);
  };
}

describe("clockGrain", () => {
  it.each(GRAINS)("finds a step of %d ms, jittered or not", (grain) => {
    for (const face of [coarse(grain), jittered(grain), noisy(grain)]) {
      const found = clockGrain(ticking(face))!;
      expect(found).toBeGreaterThan(0.9 * grain);
      expect(found).toBeLessThan(2.2 * grain);
    }
  });

  it("believes no single interruption", () => {
    let reads = 0;
    const interrupted = ticking((now) => now + (reads++ === 100 ? 50 : 0) + (reads > 100 ? 50 : 0));
    expect(clockGrain(interrupted)).toBeLessThan(0.001);
  });

  it("does not know that of a clock that stands still, and none is fine enough that goes back", () => {
    expect(clockGrain(() => 5)).toBeUndefined();
    expect(clockGrain(ticking((now) => -now))).toBe(Number.POSITIVE_INFINITY);
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

/** A machine whose true boundary is 6 (4 below the step of `dip`), seen on a clock of this face. */
async function measureOn(face: Face, baseMs: number, seed: number): Promise<Measurement> {
  const { probe, clock } = createSyntheticMachine({ cost: COSTS.dip, noise: NOISES.quiet, baseMs, seed });
  return calibrate(probe, { clock: () => face(clock()), cell: { contextLength: 8, batch: 1 }, seed });
}

const boundaryOf = ({ boundaries }: Measurement) => boundaries.find(({ epsilon }) => epsilon === 0.1)!;

describe("a calibration", () => {
  it.each(GRAINS.flatMap((grain) => [coarse, jittered, noisy].map((face) => ({ grain, face }))))(
    "on a clock of $grain ms ($face.name) is right where the clock allows, and says so where not",
    async ({ grain, face }) => {
      for (const baseMs of [0.05, 0.6, 5, 40]) {
        for (let seed = 1; seed <= (grain > 1 ? 1 : 3); seed++) {
          const measurement = await measureOn(face(grain), baseMs, seed);
          const { level, prefixFree } = boundaryOf(measurement);
          const told = { grain, baseMs, level, prefixFree };
          expect(measurement.baseMs).toBeGreaterThan(0);
          // As many forwards as are timed take a few of the clock's steps.
          if (1024 * baseMs > 3 * grain) {
            expect(measurement.baseMs / baseMs, JSON.stringify(told)).toBeGreaterThan(0.4);
            expect(measurement.baseMs / baseMs, JSON.stringify(told)).toBeLessThan(2.5);
          }
          // Past 64 forwards a group no ratio can be told.
          if (grain > 0.01 * 64 * baseMs) expect(told).toMatchObject({ level: "unresolvable", prefixFree: 1 });
          else if (level === "certified" || level === "~") expect(told).toMatchObject({ prefixFree: 4 });
          else expect(prefixFree, JSON.stringify(told)).toBeLessThanOrEqual(4);
          if (3 * grain < 0.01 * 64 * baseMs) expect(level).not.toBe("unresolvable");
        }
      }
    },
  );

  it("on a clock that stands still, or only goes back, is an error in one line", async () => {
    for (const face of [() => 7, (now: number) => -now]) {
      await expect(measureOn(face, 1, 1)).rejects.toMatchObject({
        code: "invalid-argument",
        message: expect.stringMatching(
          /^\[calibrate\] clock: expected one that moves on [^\n]+ stands still or goes back; /,
        ),
      });
    }
  });

  it("is right on a clock that is set back now and then", async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const { probe, clock } = createSyntheticMachine({ cost: COSTS.dip, noise: NOISES.quiet, seed });
      let back = 0;
      const counted: Probe = {
        ...probe,
        async run(n) {
          await probe.run(n);
          if (Math.floor(clock()) % 23 === 0) back += 3_600_000;
        },
      };
      const measurement = await calibrate(counted, {
        clock: () => clock() - back,
        cell: { contextLength: 8, batch: 1 },
        seed,
      });
      expect(boundaryOf(measurement).prefixFree).toBe(4);
      expect(measurement.run.ms).toBeGreaterThanOrEqual(0);
    }
  });
});
