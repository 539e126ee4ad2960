import type { Profile } from "@nearfree/core";
import { sampleKey } from "@nearfree/core/test";
import { describe, expect, it } from "vitest";
import { assembleProfile } from "../measure/assemble-profile.ts";
import { calibrate } from "../measure/calibrate.ts";
import {
  COSTS,
  type CostFunction,
  createSyntheticMachine,
  NOISES,
  type SyntheticMachineOptions,
} from "../testing/synthetic-machine.ts";
import { runCanary } from "./canary.ts";

const CELL = { contextLength: 256, batch: 1 };

/** A profile of the machine, as another process would have left it. */
async function profileOf(options: SyntheticMachineOptions): Promise<Profile> {
  const { probe, clock } = createSyntheticMachine({ noise: NOISES.quiet, ...options, seed: 11 });
  const measurement = await calibrate(probe, { clock, cell: CELL });
  const balance = { flopsPerSecond: 1e11, bytesPerSecond: 1e10 };
  return assembleProfile({ key: sampleKey(), measurement, balance, bytesPerWeight: 4, measuredAt: new Date(0) });
}

async function canary(profile: Profile, options: SyntheticMachineOptions) {
  const machine = createSyntheticMachine({ noise: NOISES.quiet, ...options });
  const verdict = await runCanary(machine.probe, profile, { clock: machine.clock });
  return { ...verdict, forwards: machine.forwards() };
}

const shifted =
  (cost: CostFunction, factor: number): CostFunction =>
  (n) =>
    n === 1 ? 1 : cost(n) * factor;

describe.each(Object.entries(COSTS))("a machine whose cost is %s", (_name, cost) => {
  it("agrees with its own profile, whatever the seed, with a fraction of a calibration's forwards", async () => {
    const profile = await profileOf({ cost });
    for (let seed = 1; seed <= 20; seed++) {
      const { verdict, forwards } = await canary(profile, { cost, seed });
      expect({ seed, verdict }).toEqual({ seed, verdict: "agrees" });
      expect(forwards).toBeLessThanOrEqual(100);
    }
  });

  it("contradicts one whose boundary costs a quarter more or less here", async () => {
    const profile = await profileOf({ cost });
    for (const factor of [1.25, 0.8]) {
      const outcome = await canary(profile, { cost: shifted(cost, factor), seed: 3 });
      expect(outcome).toMatchObject({
        verdict: "differs",
        reason: expect.stringMatching(/^\d+ positions cost [\d.]+ /),
      });
    }
  });
});

it("agrees on a machine that drifts and spikes", async () => {
  const profile = await profileOf({ cost: COSTS.decoder });
  for (const noise of [NOISES.drifting, NOISES.bursty, NOISES.contended]) {
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, seed) => canary(profile, { cost: COSTS.decoder, noise, seed })),
    );
    expect(outcomes.filter(({ verdict }) => verdict === "differs")).toEqual([]);
    expect(outcomes.filter(({ verdict }) => verdict === "agrees").length).toBeGreaterThanOrEqual(18);
  }
});

it("gives no verdict where nothing can be told apart", async () => {
  const profile = await profileOf({ cost: COSTS.decoder });
  const outcome = await canary(profile, { cost: COSTS.decoder, noise: NOISES.hopeless });
  expect(outcome).toMatchObject({ verdict: "unresolvable", reason: expect.stringMatching(/noisy|busy/) });
});

it("gives no verdict on a profile that claims nothing, and runs nothing for it", async () => {
  const profile = await profileOf({ cost: COSTS.decoder });
  const empty = { ...profile, points: profile.points.slice(0, 1) };
  expect(await canary(empty, { cost: COSTS.decoder })).toMatchObject({ verdict: "unresolvable", forwards: 0 });
});

describe("bits", () => {
  /** Rows of which all columns are 1, or 2 in a forward of one position. */
  const oneDiffers = (n: number) => new Float32Array(2 * n).fill(n === 1 ? 2 : 1);
  const allSame = (n: number) => new Float32Array(2 * n).fill(1);
  const cost = COSTS.decoder;

  it("agree with the profile", async () => {
    for (const logits of [oneDiffers, allSame]) {
      const machine = { cost, logits, columns: 2 };
      expect(await canary(await profileOf(machine), machine)).toMatchObject({ verdict: "agrees" });
    }
  });

  it("contradict it, however well the costs agree", async () => {
    const profile = await profileOf({ cost, logits: allSame, columns: 2 });
    const outcome = await canary(profile, { cost, logits: oneDiffers, columns: 2 });
    expect(outcome).toMatchObject({ verdict: "differs", reason: expect.stringMatching(/within \{1\} \{\d.* here/) });
  });
});

it("an abort ends it with an error, before anything runs and in between", async () => {
  const profile = await profileOf({ cost: COSTS.decoder });
  for (const after of [0, 1, 15]) {
    const abort = new AbortController();
    const { probe, clock, forwards } = createSyntheticMachine({ cost: COSTS.decoder });
    const counted = {
      ...probe,
      prepare: () => {
        if (forwards() >= after) abort.abort();
      },
    };
    if (after === 0) abort.abort();
    const run = runCanary(counted, profile, { clock, signal: abort.signal });
    await expect(run).rejects.toMatchObject({ code: "aborted" });
    expect(forwards()).toBeLessThanOrEqual(after + 1);
  }
});
