import { NearfreeError, type Profile, type ProfileKey, type ProfileStore, profileStanding } from "@nearfree/core";
import type { CalibrationEvent } from "@nearfree/core/measure";
import { modelLabel } from "@nearfree/ort-adapter/node";
import { METHOD_VERSION } from "../measure/options.ts";
import { createCalibrationProbe } from "./calibration-probe.ts";
import { runCanary } from "./canary.ts";
import { defaultStore } from "./default-store.ts";
import type { ExaminedModel } from "./examine-model.ts";
import { type MeasureProfileOptions, measureProfile } from "./measure-profile.ts";
import type { OpenModel } from "./open-model.ts";

/** Positions in the KV cache while measuring, where the caller names none and the model's context allows it. */
export const DEFAULT_CONTEXT_LENGTH = 256;

export interface LoadOrCalibrateOptions
  extends Pick<MeasureProfileOptions, "budget" | "clock" | "maxPositions" | "neighbours" | "seed"> {
  /** Default: memory in front of the user's cache folder, in front of the system's. */
  readonly store?: ProfileStore | undefined;
  /** Positions in the KV cache while measuring. Default 256, or half the model's context where that is less. */
  readonly contextLength?: number | undefined;
  /** Sequences in one forward. Default 1. */
  readonly batch?: number | undefined;
  /** Measures even where the store has a profile, from the start even where it has a part of one. */
  readonly fresh?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: ((event: CalibrationEvent) => void) | undefined;
  /** Told, in one line, of a profile that could not be read, trusted or stored. */
  readonly onWarning?: ((message: string) => void) | undefined;
}

export interface LoadedProfile {
  readonly profile: Profile;
  readonly origin: "measured" | "cached";
  /** Why a measured profile is not in the store, where it is not. */
  readonly storeError?: NearfreeError;
}

/**
 * The profile of a model in this environment: from the store, or measured now and stored. A store that cannot be written loses
 * nothing: the profile is returned with the reason.
 *
 * What the store has is used as far as its standing goes (`profileStanding`): a whole profile as it is, an imported one once a
 * canary agrees, a partial one to go on from. What an abort leaves is stored as partial, for the next call.
 *
 * @throws NearfreeError `aborted`, `context-exceeded` for a context length that the model does not have, `unsupported-model` for
 *   several sequences where its attention carries one, `run-failed`.
 */
export async function loadOrCalibrate(model: OpenModel, options: LoadOrCalibrateOptions = {}): Promise<LoadedProfile> {
  const { onWarning, contextLength, batch, fresh = false, store: given, clock = now, ...measuring } = options;
  const store = given ?? defaultStore({ onWarning });
  const key = profileKey(model, contextLength, batch);
  const known = await store.get(key);
  // A predicted profile that somebody stored is none: it must not keep the model from being measured.
  const standing = known === undefined || fresh ? "none" : profileStanding(known);
  if (standing === "whole") return { profile: labelled(known!, model), origin: "cached" };
  const probe = await createCalibrationProbe(model, key.cell);
  try {
    if (standing === "imported") {
      const confirmed = await confirm(known!, () => runCanary(probe, known!, { ...measuring, clock }), onWarning);
      if (confirmed !== undefined)
        return { origin: "cached", ...(await keep(store, labelled(confirmed, model), onWarning)) };
    }
    const resume = standing === "partial" ? known : undefined;
    const measured = await measureProfile(model, probe, key, { ...measuring, clock, resume });
    // The key names the routers too: what was measured of the routing holds.
    const profile = known?.uniqueExperts ? { ...measured, uniqueExperts: known.uniqueExperts } : measured;
    const kept = outranks(known, profile) ? { profile } : await keep(store, profile, onWarning);
    if (profile.run.stop === "aborted") throw interrupted(profile, kept.storeError);
    return { origin: "measured", ...kept };
  } finally {
    model.runner.rewind(0);
  }
}

/** The key under which the profile of `model` at `contextLength`, for `batch` sequences, is stored. */
export function profileKey(
  model: Pick<ExaminedModel, "contextLimit" | "environment" | "summary">,
  contextLength?: number,
  batch = 1,
): ProfileKey {
  const cell = {
    contextLength: contextLength ?? Math.min(DEFAULT_CONTEXT_LENGTH, Math.floor(model.contextLimit / 2)),
    batch,
  };
  return { environment: model.environment, model: model.summary.structureHash, cell, method: METHOD_VERSION };
}

const now = () => performance.now();

/** An entry of before there were labels gets the model's. */
function labelled(profile: Profile, { folder }: Pick<ExaminedModel, "folder">): Profile {
  const label = profile.label ?? modelLabel(folder);
  return label === undefined || label === profile.label ? profile : { ...profile, label };
}

/** The imported profile as one of this machine's, or undefined where the canary does not agree. */
async function confirm(
  { imported: _, ...profile }: Profile,
  canary: () => ReturnType<typeof runCanary>,
  onWarning: LoadOrCalibrateOptions["onWarning"],
): Promise<Profile | undefined> {
  const verdict = await canary();
  if (verdict.verdict === "agrees") return profile;
  onWarning?.(`the imported profile is not used: ${verdict.reason}; measuring instead`);
  return undefined;
}

async function keep(
  store: ProfileStore,
  profile: Profile,
  onWarning: LoadOrCalibrateOptions["onWarning"],
): Promise<{ profile: Profile; storeError?: NearfreeError }> {
  try {
    await store.put(profile);
    return { profile };
  } catch (error) {
    if (!(error instanceof NearfreeError && error.code === "store-unwritable")) throw error;
    onWarning?.(error.message);
    return { profile, storeError: error };
  }
}

/** Whether a stored profile is worth more than a new, partial one: it is whole, or a longer part. */
function outranks(known: Profile | undefined, found: Profile): boolean {
  if (known === undefined || profileStanding(found) !== "partial") return false;
  return profileStanding(known) === "whole" || samplesIn(known) > samplesIn(found);
}

function samplesIn({ points }: Profile): number {
  return points.reduce((sum, { logRatios = [] }) => sum + logRatios.length, 0);
}

function interrupted({ run }: Profile, storeError: NearfreeError | undefined): NearfreeError {
  return new NearfreeError({
    code: "aborted",
    from: "calibrate",
    what: "calibration",
    expected: "to run to its end",
    received: `an interrupt after ${run.forwards} forwards`,
    remedy: storeError
      ? "nothing could be kept, start again"
      : "what was measured is kept, run again to go on from there",
    ...(storeError && { cause: storeError }),
  });
}
