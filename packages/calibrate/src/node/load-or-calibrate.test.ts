import { createMemoryStore, NearfreeError, type Profile, type ProfileStore, profileStanding } from "@nearfree/core";
import type { CalibrationEvent } from "@nearfree/core/measure";
import { modelLabel } from "@nearfree/ort-adapter/node";
import { describe, expect, it } from "vitest";
import { COSTS, type CostFunction } from "../testing/synthetic-machine.ts";
import { useTestModel } from "../testing/test-model.ts";
import { timeModel } from "../testing/timed-model.ts";
import { decodeBundle, encodeBundle } from "./bundle.ts";
import { importProfiles } from "./import-profiles.ts";
import { type LoadOrCalibrateOptions, loadOrCalibrate, profileKey } from "./load-or-calibrate.ts";

const fixture = useTestModel();

/** One call on a machine with this cost; how many forwards it took. */
async function load(options: LoadOrCalibrateOptions & { cost?: CostFunction; jitter?: number } = {}) {
  const { cost = COSTS.decoder, jitter, ...rest } = options;
  const timed = timeModel(fixture.model, cost, jitter);
  const loaded = await loadOrCalibrate(timed.model, {
    store: fixture.store,
    contextLength: 32,
    clock: timed.clock,
    ...rest,
  });
  return { ...loaded, forwards: timed.forwards() };
}

/** A call that is aborted once `samples` samples are taken. */
async function abortedLoad(samples: number, options: LoadOrCalibrateOptions = {}): Promise<NearfreeError> {
  const abort = new AbortController();
  let seen = 0;
  const onEvent = ({ type }: CalibrationEvent) => {
    if (type === "sampled" && ++seen === samples) abort.abort();
  };
  return load({ ...options, signal: abort.signal, onEvent }).then(
    () => expect.unreachable("the abort is an error"),
    (error: unknown) => error as NearfreeError,
  );
}

/** Of a store: what fails at every write. */
async function unwritable(): Promise<never> {
  const parts = { what: "store", expected: "a writable one", received: "EROFS", remedy: "use another" };
  throw new NearfreeError({ code: "store-unwritable", from: "core", ...parts });
}

const stored = () => fixture.store.get(profileKey(fixture.model, 32));
const samplesIn = (profile: Profile | undefined) =>
  (profile?.points ?? []).reduce((sum, { logRatios = [] }) => sum + logRatios.length, 0);

it("measures once, then finds it; fresh measures again", async () => {
  const first = await load();
  expect(first).toMatchObject({ origin: "measured", profile: { run: { stop: "decided" } } });
  expect(await load()).toEqual({ profile: first.profile, origin: "cached", forwards: 0 });
  expect((await load({ fresh: true })).origin).toBe("measured");
});

describe("the label", () => {
  const label = () => modelLabel(fixture.model.folder)!;

  it("is the model's, survives a resumed run and a bundle, and is no part of the key", async () => {
    expect(label()).toBeDefined();
    await abortedLoad(20);
    expect((await stored())?.label).toBe(label());
    const { profile } = await load();
    expect(profile.label).toBe(label());
    expect(JSON.stringify(profile.key)).not.toContain(label());
    const elsewhere = createMemoryStore();
    await importProfiles(decodeBundle(encodeBundle([profile]), "x"), { store: elsewhere });
    expect(await load({ store: elsewhere })).toMatchObject({ origin: "cached", profile: { label: label() } });
    expect((await elsewhere.get(profile.key))?.label).toBe(label());
  });

  it("is added to a profile of before there were labels, which stays a hit", async () => {
    const { label: _, ...before } = (await load()).profile;
    await fixture.store.put(before);
    expect(await load()).toMatchObject({ origin: "cached", forwards: 0, profile: { label: label() } });
  });

  it("of another cell's neighbour is the same", async () => {
    const { profile } = await load();
    expect((await load({ contextLength: 48, neighbours: [profile] })).profile.label).toBe(label());
  });
});

describe("an abort", () => {
  it("is an error in one line; what was measured is kept, and the next call goes on from it", async () => {
    const error = await abortedLoad(20);
    expect(error).toMatchObject({ code: "aborted" });
    expect(error.message).toMatch(/received an interrupt after \d+ forwards; what was measured is kept/);
    const part = await stored();
    expect(part?.run.stop).toBe("aborted");
    expect(samplesIn(part)).toBeGreaterThanOrEqual(20);

    const whole = await load();
    expect(whole).toMatchObject({ origin: "measured", profile: { idleCompute: part!.idleCompute } });
    expect(profileStanding(whole.profile)).toBe("whole");
    for (const { positions, logRatios = [] } of part!.points) {
      const after = whole.profile.points.find((point) => point.positions === positions);
      expect(after?.logRatios?.slice(0, logRatios.length) ?? []).toEqual(logRatios);
    }
    expect((await load()).origin).toBe("cached");
  });

  it("is gone on from only where T(1) is what it was", async () => {
    await abortedLoad(20);
    const part = await stored();
    const slower: CostFunction = (n) => 1.5 * COSTS.decoder(n);
    const { profile } = await load({ cost: slower });
    const { profile: anew } = await load({ cost: slower, fresh: true });
    const samples = ({ points }: Profile) => points.map(({ positions, logRatios }) => ({ positions, logRatios }));
    expect(samples(profile)).toEqual(samples(anew));
    expect(samplesIn(part)).toBeGreaterThan(0);
  });

  it("that comes sooner than the last one takes nothing away", async () => {
    await abortedLoad(20);
    const before = await stored();
    expect((await abortedLoad(1, { fresh: true })).code).toBe("aborted");
    expect(await stored()).toEqual(before);
  });

  it("of a fresh measurement leaves the whole profile in place", async () => {
    const { profile } = await load();
    await abortedLoad(5, { fresh: true });
    expect(await stored()).toEqual(profile);
  });

  it("says so where nothing can be kept", async () => {
    const error = await abortedLoad(5, { store: { ...fixture.store, put: unwritable } });
    expect(error).toMatchObject({ code: "aborted", message: expect.stringContaining("nothing could be kept") });
  });
});

it("a store that cannot be written is said once, where there is something to be stored", async () => {
  const store = { ...fixture.store, put: unwritable, claim: unwritable };
  const warnings: string[] = [];
  const loaded = await load({ store, onWarning: (text) => warnings.push(text) });
  expect(loaded.storeError).toMatchObject({ code: "store-unwritable" });
  expect(warnings).toEqual([expect.stringContaining("EROFS")]);
  // What noise hid is not worth storing, and nothing is lost.
  expect(await load({ store, jitter: 1.5 })).not.toHaveProperty("storeError");
});

it("what noise hid is measured again by the next call", async () => {
  const hidden = await load({ jitter: 1.5 });
  expect(hidden).toMatchObject({ origin: "measured", profile: { run: { stop: "unresolvable" } } });
  expect(profileStanding(hidden.profile)).toBe("unresolved");
  expect(await stored()).toBeUndefined();
  expect(await load()).toMatchObject({ origin: "measured", profile: { run: { stop: "decided" } } });
  expect((await load()).origin).toBe("cached");
});

describe("an imported profile", () => {
  const shifted: CostFunction = (n) => (n === 1 ? 1 : 1.4 * COSTS.decoder(n));

  it("is taken over once a canary agrees", async () => {
    const { profile, forwards } = await load();
    fixture.store = createMemoryStore();
    await fixture.store.put({ ...profile, imported: true });
    const taken = await load();
    expect(taken).toMatchObject({ profile, origin: "cached" });
    expect(taken.forwards).toBeLessThan(forwards);
    expect(await stored()).toEqual({ ...profile, confirmedAt: expect.any(String) });
  });

  it("is measured anew where the canary does not agree, with one line that says why", async () => {
    const { profile } = await load({ cost: shifted });
    fixture.store = createMemoryStore();
    await fixture.store.put({ ...profile, imported: true });
    const warnings: string[] = [];
    const loaded = await load({ onWarning: (message) => warnings.push(message) });
    expect(loaded.origin).toBe("measured");
    expect(warnings).toEqual([expect.stringMatching(/^the imported profile is not used: \d+ positions cost [^\n]+$/)]);
    expect((await stored())?.imported).toBeUndefined();
  });

  it("goes through a bundle: tested at once where the model is at hand, else at its first use", async () => {
    const ours = (await load()).profile;
    const foreign = { ...ours, key: { ...ours.key, environment: { ...ours.key.environment, threads: 77 } } };
    const profiles = decodeBundle(encodeBundle([ours, foreign]), "bundle");
    const outcomes = async (cost: CostFunction, into: ProfileStore, withModel = true) => {
      const timed = timeModel(fixture.model, cost);
      const found = await importProfiles(profiles, {
        store: into,
        clock: timed.clock,
        ...(withModel && { model: timed.model }),
      });
      return found
        .map(({ key, outcome }) => [key.environment.threads, outcome])
        .sort(([a], [b]) => Number(a) - Number(b));
    };
    const here = ours.key.environment.threads;
    expect(await outcomes(COSTS.decoder, fixture.store)).toEqual([
      [here, "known"],
      [77, "unconfirmed"],
    ]);
    const there = createMemoryStore();
    expect(await outcomes(shifted, there)).toEqual([
      [here, "contradicted"],
      [77, "unconfirmed"],
    ]);
    expect(await there.get(ours.key)).toBeUndefined();
    expect(await outcomes(COSTS.decoder, there, false)).toEqual([
      [here, "unconfirmed"],
      [77, "unconfirmed"],
    ]);
    expect(profileStanding((await there.get(ours.key))!)).toBe("imported");
    expect(await outcomes(COSTS.decoder, there)).toEqual([
      [here, "confirmed"],
      [77, "unconfirmed"],
    ]);
    expect(await there.get(ours.key)).toEqual({ ...ours, confirmedAt: expect.any(String) });
    expect(profileStanding((await there.get(foreign.key))!)).toBe("imported");
  });
});
