import { type Clock, type Profile, type ProfileKey, type ProfileStore, profileStanding } from "@nearfree/core";
import { hashOf } from "@nearfree/core/measure";
import { createCalibrationProbe } from "./calibration-probe.ts";
import { type CanaryVerdict, runCanary } from "./canary.ts";
import { profileKey } from "./load-or-calibrate.ts";
import type { OpenModel } from "./open-model.ts";

/** What became of an imported profile. */
export type ImportOutcome =
  /** A canary agreed: it counts as if measured here. */
  | "confirmed"
  /** Stored; the first use on a machine that it fits runs the canary. */
  | "unconfirmed"
  /** Nothing was measured anywhere: not stored. */
  | "predicted"
  /** The canary contradicts it: not stored. */
  | "contradicted"
  /** The store has one that was measured here, which stays. */
  | "known";

export interface ImportedProfile {
  readonly key: ProfileKey;
  /** What the bundle calls the model. */
  readonly label?: string;
  readonly outcome: ImportOutcome;
  /** In one line, where a canary ran and did not agree. */
  readonly reason?: string;
}

export interface ImportProfilesOptions {
  readonly store: ProfileStore;
  /** Profiles of this model in its environment are tested at once. */
  readonly model?: OpenModel | undefined;
  /** Monotonic, in ms. Default `performance.now`. */
  readonly clock?: Clock | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Stores the profiles of a bundle. None is trusted for its origin: those that fit `model` and its environment are tested by a
 * canary now, the others are marked for `loadOrCalibrate` to test. Profiles of other environments are kept, and match nothing here.
 *
 * @throws NearfreeError `store-unwritable`, `aborted`, `run-failed`.
 */
export async function importProfiles(
  profiles: readonly Profile[],
  { store, model, clock = () => performance.now(), signal }: ImportProfilesOptions,
): Promise<ImportedProfile[]> {
  const outcomes: ImportedProfile[] = [];
  for (const profile of profiles) {
    const { key, label } = profile;
    const named = { key, ...(label !== undefined && { label }) };
    if (profileStanding(profile) === "predicted") {
      outcomes.push({ ...named, outcome: "predicted" });
      continue;
    }
    const known = await store.get(key);
    if (known !== undefined && profileStanding(known) === "whole") {
      outcomes.push({ ...named, outcome: "known" });
      continue;
    }
    const verdict = model && fits(key, model) ? await test(profile, model, clock, signal) : undefined;
    if (verdict?.verdict === "differs") {
      outcomes.push({ ...named, outcome: "contradicted", reason: verdict.reason });
    } else if (verdict?.verdict === "agrees") {
      const { imported: _, ...confirmed } = profile;
      await store.put({ ...confirmed, confirmedAt: new Date().toISOString() });
      outcomes.push({ ...named, outcome: "confirmed" });
    } else {
      await store.put({ ...profile, imported: true });
      outcomes.push({ ...named, outcome: "unconfirmed", ...(verdict && { reason: verdict.reason }) });
    }
  }
  return outcomes;
}

function fits(key: ProfileKey, model: OpenModel): boolean {
  const { contextLimit } = model.runner.describe();
  const { contextLength, batch } = key.cell;
  return batch === 1 && contextLength < contextLimit && hashOf(profileKey(model, contextLength)) === hashOf(key);
}

async function test(
  profile: Profile,
  model: OpenModel,
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<CanaryVerdict> {
  const { probe, release } = await createCalibrationProbe(model, profile.key.cell);
  try {
    return await runCanary(probe, profile, { clock, signal });
  } finally {
    await release();
  }
}
