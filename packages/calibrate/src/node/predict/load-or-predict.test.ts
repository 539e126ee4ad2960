import { createScheduler, type Profile, parseProfile, profileStanding } from "@nearfree/core";
import { invariantRows, resolveConsistency } from "@nearfree/core/measure";
import { cautiousSignature } from "@nearfree/core/principle";
import { expect, it } from "vitest";
import { COSTS } from "../../testing/synthetic-machine.ts";
import { useTestModel } from "../../testing/test-model.ts";
import { timeModel } from "../../testing/timed-model.ts";
import { importProfiles } from "../import-profiles.ts";
import { loadOrCalibrate } from "../load-or-calibrate.ts";
import { type LoadOrPredictOptions, loadOrPredict } from "./load-or-predict.ts";

const fixture = useTestModel();

const start = (options: LoadOrPredictOptions = {}) =>
  loadOrPredict(fixture.model, { store: fixture.store, root: fixture.folder, contextLength: 32, ...options });

/** Most positions that a scheduler would draft for. */
const draftLimit = (profile: Profile, consistency?: "auto" | "tolerant" | "bitwise") =>
  createScheduler({ profile, policy: "near-free", epsilon: 10, ...(consistency && { consistency }) }).draftLimit();

it("predicts where nothing was measured, marks it, and stores nothing", async () => {
  const { profile, origin } = await start();
  expect(origin).toBe("kernel-table");
  expect(profileStanding(profile)).toBe("predicted");
  expect(parseProfile(JSON.parse(JSON.stringify(profile)))).toEqual(profile);
  expect(await fixture.store.list()).toEqual([]);
  const signature = cautiousSignature(fixture.model.environment, fixture.model.summary);
  expect((await start({ signature })).origin).toBe("signature");
});

it("predicts the graph that runs: a rewritten one has attention, and a key, of its own", async () => {
  const priced = async (form: "original" | "lean", batch = 1) => {
    const model = { ...fixture.model, form: { form, reason: "" } };
    const { profile } = await loadOrPredict(model, { store: fixture.store, root: fixture.folder, batch });
    return profile;
  };
  const [original, lean] = [await priced("original"), await priced("lean")];
  expect(original.key.environment.options).not.toHaveProperty("kvCache");
  expect(lean.key.environment.options).toMatchObject({ kvCache: "lean" });
  expect(lean.baseMs).toBeLessThan(original.baseMs);
  // Several sequences run the original graph, whatever form one of them runs.
  expect((await priced("lean", 2)).baseMs).toBe((await priced("original", 2)).baseMs);
});

it("takes more than one position from it only where the caller is tolerant of other bits", async () => {
  const { profile } = await start();
  expect(resolveConsistency("auto", [profile])).toBe("bitwise");
  expect(invariantRows([profile])).toEqual([1]);
  expect(draftLimit(profile)).toBe(0);
  expect(draftLimit(profile, "bitwise")).toBe(0);
  expect(draftLimit(profile, "tolerant")).toBeGreaterThan(0);
});

it("gives way to a measured profile, which none replaces", async () => {
  const predicted = (await start()).profile;
  // Even one that somebody put into the store does not keep the model from being measured.
  await fixture.store.put(predicted);
  expect((await start()).origin).toBe("kernel-table");
  const timed = timeModel(fixture.model, COSTS.decoder);
  const measured = await loadOrCalibrate(timed.model, { store: fixture.store, contextLength: 32, clock: timed.clock });
  expect(measured.origin).toBe("measured");
  expect(profileStanding(measured.profile)).toBe("whole");
  expect(await start()).toEqual({
    profile: measured.profile,
    origin: "cached",
  });
  expect(await importProfiles([predicted], { store: fixture.store })).toEqual([
    { key: predicted.key, label: predicted.label, outcome: "predicted" },
  ]);
  expect(await fixture.store.list()).toEqual([measured.profile]);
});
