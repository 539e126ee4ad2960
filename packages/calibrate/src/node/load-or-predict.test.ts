import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  cautiousSignature,
  createMemoryStore,
  createScheduler,
  invariantRows,
  type Profile,
  type ProfileStore,
  parseProfile,
  profileStanding,
  resolveConsistency,
} from "@nearfree/core";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { writeModelFolder } from "../cli/testing/model-folder.ts";
import { COSTS } from "../testing/synthetic-machine.ts";
import { timeModel } from "../testing/timed-model.ts";
import { importProfiles } from "./import-profiles.ts";
import { loadOrCalibrate } from "./load-or-calibrate.ts";
import { loadOrPredict } from "./load-or-predict.ts";
import { type OpenModel, openModel } from "./open-model.ts";

let folder: string;
let model: OpenModel;
let store: ProfileStore;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nearfree-cold-"));
  model = await openModel(await writeModelFolder(join(folder, "model")));
});
afterAll(async () => {
  await model.release();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
  store = createMemoryStore();
});

/** Most positions that a scheduler would draft for. */
const draftLimit = (profile: Profile, consistency?: "auto" | "tolerant" | "bitwise") =>
  createScheduler({ profile, policy: "near-free", epsilon: 10, ...(consistency && { consistency }) }).draftLimit();

it("predicts where nothing was measured, marks it, and stores nothing", async () => {
  const { profile, origin } = await loadOrPredict(model, { store, root: folder, contextLength: 32 });
  expect(origin).toBe("kernel-table");
  expect(profileStanding(profile)).toBe("predicted");
  expect(parseProfile(JSON.parse(JSON.stringify(profile)))).toEqual(profile);
  expect(await store.list()).toEqual([]);
  const signature = cautiousSignature(model.environment, model.summary);
  expect((await loadOrPredict(model, { store, root: folder, signature, contextLength: 32 })).origin).toBe("signature");
});

it("takes more than one position from it only where the caller is tolerant of other bits", async () => {
  const { profile } = await loadOrPredict(model, { store, root: folder, contextLength: 32 });
  expect(resolveConsistency("auto", [profile])).toBe("bitwise");
  expect(invariantRows([profile])).toEqual([1]);
  expect(draftLimit(profile)).toBe(0);
  expect(draftLimit(profile, "bitwise")).toBe(0);
  expect(draftLimit(profile, "tolerant")).toBeGreaterThan(0);
});

it("gives way to a measured profile, which none replaces", async () => {
  const predicted = (await loadOrPredict(model, { store, root: folder, contextLength: 32 })).profile;
  // Even one that somebody put into the store does not keep the model from being measured.
  await store.put(predicted);
  expect((await loadOrPredict(model, { store, root: folder, contextLength: 32 })).origin).toBe("kernel-table");
  const timed = timeModel(model, COSTS.decoder);
  const measured = await loadOrCalibrate(timed.model, { store, contextLength: 32, clock: timed.clock });
  expect(measured.origin).toBe("measured");
  expect(profileStanding(measured.profile)).toBe("whole");
  expect(await loadOrPredict(model, { store, root: folder, contextLength: 32 })).toEqual({
    profile: measured.profile,
    origin: "cached",
  });
  expect(await importProfiles([predicted], { store })).toEqual([{ key: predicted.key, outcome: "predicted" }]);
  expect(await store.list()).toEqual([measured.profile]);
});
