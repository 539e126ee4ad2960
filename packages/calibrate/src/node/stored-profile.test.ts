import { createMemoryStore, type Profile } from "@nearfree/core";
import { describe, expect, it } from "vitest";
import { COSTS, type CostFunction } from "../testing/synthetic-machine.ts";
import { useTestModel } from "../testing/test-model.ts";
import { timeModel } from "../testing/timed-model.ts";
import { type LoadOrCalibrateOptions, loadOrCalibrate, profileKey } from "./load-or-calibrate.ts";

const fixture = useTestModel();

/** One call on a machine with this cost; how many forwards it took. */
async function load(options: LoadOrCalibrateOptions & { cost?: CostFunction } = {}) {
  const { cost = COSTS.decoder, ...rest } = options;
  const timed = timeModel(fixture.model, cost);
  const common = { store: fixture.store, contextLength: 32, clock: timed.clock };
  const loaded = await loadOrCalibrate(timed.model, { ...common, ...rest });
  return { ...loaded, forwards: timed.forwards() };
}

const stored = () => fixture.store.get(profileKey(fixture.model, 32));

describe("a stored profile", () => {
  const put = async (change: (profile: Profile) => Profile) => {
    const { profile } = await load();
    fixture.store = createMemoryStore();
    await fixture.store.put(change(profile));
    return profile;
  };
  const lastYear = "2025-01-01T00:00:00.000Z";
  const steeper: CostFunction = (n) => (n === 1 ? 1 : 1.4 * COSTS.decoder(n));

  it("that says what cannot be is measured anew, and nothing of it counts", async () => {
    const poisoned = await put((profile) => ({
      ...profile,
      points: profile.points.map((point) =>
        point.positions === 2 ? { ...point, ratio: 0.09, low: 0.08, high: 0.1, logRatios: [-2.4, -2.4] } : point,
      ),
    }));
    const { origin, profile } = await load();
    expect(origin).toBe("measured");
    expect(profile.points.find(({ positions }) => positions === 2)?.ratio).toBeCloseTo(COSTS.decoder(2), 1);
    expect(profile.points.map(({ samples }) => samples)).toEqual(poisoned.points.map(({ samples }) => samples));
  });

  it("that noise hid is measured anew: neither its points nor its classes are kept", async () => {
    const fresh = await put((profile) => ({
      ...profile,
      invariance: { classes: [[1]], maxDifference: 0, rows: 0, argmaxFlips: 0 },
      run: { ...profile.run, stop: "unresolvable" },
    }));
    const { origin, profile } = await load();
    expect({ origin, invariance: profile.invariance }).toEqual({ origin: "measured", invariance: fresh.invariance });
    expect(profile.points).toEqual(fresh.points);
  });

  it("of a day ago is looked at for some tens of forwards, then trusted for another", async () => {
    const profile = await put((found) => ({ ...found, measuredAt: lastYear }));
    const looked = await load();
    expect(looked).toMatchObject({ origin: "cached", profile: { points: profile.points, measuredAt: lastYear } });
    expect(looked.forwards).toBeGreaterThan(0);
    expect(looked.forwards).toBeLessThanOrEqual(100);
    expect(await load()).toMatchObject({ origin: "cached", forwards: 0 });
  });

  it("of a day ago is not served where the machine says otherwise: of its ratios, or of T(1)", async () => {
    for (const change of [{ cost: steeper }, { cost: ((n) => 0.5 * COSTS.decoder(n)) as CostFunction }]) {
      await put((found) => ({ ...found, measuredAt: lastYear }));
      const warnings: string[] = [];
      const { origin, profile } = await load({ ...change, onWarning: (message) => warnings.push(message) });
      expect({ origin, warnings }).toEqual({
        origin: "measured",
        warnings: [expect.stringMatching(/^the stored profile is not used: [^\n]+ in the profile; measuring instead$/)],
      });
      expect(await stored()).toEqual(profile);
    }
  });

  it("that other work disturbed is measured again on a quiet machine, and served on one that still works", async () => {
    const at = (share: number) => ({ watchLoad: () => ({ waitedShare: () => share }) });
    const disturbed = await load(at(0.5));
    expect(disturbed).toMatchObject({ origin: "measured", profile: { run: { busy: true } } });
    expect(await load(at(0.5))).toMatchObject({ origin: "cached", profile: { run: { busy: true } } });
    const quiet = await load(at(0));
    expect(quiet.origin).toBe("measured");
    expect(quiet.profile.run.busy).toBeUndefined();
    expect(await load(at(0))).toMatchObject({ origin: "cached", forwards: 0 });
  });
});
