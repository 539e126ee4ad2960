import {
  isTrusted,
  NearfreeError,
  type Profile,
  type ProfileKey,
  type ProfileStore,
  profileStanding,
} from "@nearfree/core";
import type { CalibrationEvent, Probe } from "@nearfree/core/measure";
import { modelLabel } from "@nearfree/ort-adapter/node";
import { METHOD_VERSION } from "../measure/options.ts";
import { createCalibrationProbe } from "./calibration-probe.ts";
import { runCanary } from "./canary.ts";
import { defaultStore } from "./default-store.ts";
import type { ExaminedModel } from "./examine-model.ts";
import { environmentOf, type KvForm, rewriteFacts } from "./form/kv-form.ts";
import { BUSY_SHARE, type WatchLoad, watchNothing, watchScheduler } from "./load-watch.ts";
import { type MeasureProfileOptions, measureProfile } from "./measure-profile.ts";
import type { OpenModel } from "./open-model.ts";
import { takeTurn } from "./take-turn.ts";

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
  /**
   * Ms for which another process that measures on this machine is waited for; then this one measures beside it, and marks its profile as
   * disturbed. Default a minute; 0: no wait.
   */
  readonly waitMs?: number | undefined;
  /** How other work on the machine is noticed. Default: as the system's scheduler counts it; nothing where `clock` is given. */
  readonly watchLoad?: WatchLoad | undefined;
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
 * What the store has is used as far as it is trusted (`isTrusted`, `profileStanding`): a whole profile of the last day as it is; an older
 * one, one that other work disturbed and an imported one once a canary agrees; a partial one to go on from. What an abort leaves is
 * stored as partial, for the next call; what noise hid is returned and not stored. Of several processes one measures at a time.
 *
 * @throws NearfreeError `aborted`, `context-exceeded` for a context length that the model does not have, `unsupported-model` for
 *   several sequences where its attention carries one, `run-failed`.
 */
export async function loadOrCalibrate(model: OpenModel, options: LoadOrCalibrateOptions = {}): Promise<LoadedProfile> {
  const { contextLength, batch, fresh = false, waitMs, signal } = options;
  const store = options.store ?? defaultStore({ onWarning: options.onWarning });
  const key = profileKey(model, contextLength, batch);
  const stored = await store.get(key);
  const known = stored && labelled(stored, model);
  if (known !== undefined && !fresh && isTrusted(known, Date.now())) return { profile: known, origin: "cached" };
  const { probe, traits, release } = await createCalibrationProbe(model, key.cell);
  const place: Place = { model: { ...model, traits }, store, key, probe, known };
  try {
    const check = fresh ? MEASURE : await checkKnown(place, options);
    if (check.use === "known") return { origin: "cached", ...check.loaded };
    const onWait = () => options.onEvent?.({ type: "waiting", cell: key.cell });
    const patience = check.use === "better" ? 0 : waitMs;
    const turn = await takeTurn(store, key, { known, fresh, waitMs: patience, signal, onWait });
    if (turn.turn === "done") return { profile: labelled(turn.profile, model), origin: "cached" };
    try {
      const crowded = turn.turn === "shared" && turn.crowded;
      if (crowded && check.use === "better") return { profile: known!, origin: "cached" };
      return await measureAndKeep(place, crowded, options);
    } finally {
      await turn.end();
    }
  } finally {
    await release();
  }
}

/**
 * The key under which the profile of `model` at `contextLength`, for `batch` sequences, is stored. Without a form: that of its own graph,
 * which several sequences are measured on too.
 */
export function profileKey(
  model: Pick<ExaminedModel, "contextLimit" | "environment" | "summary"> & { readonly form?: Pick<KvForm, "form"> },
  contextLength?: number,
  batch = 1,
): ProfileKey {
  const cell = {
    contextLength: contextLength ?? Math.min(DEFAULT_CONTEXT_LENGTH, Math.floor(model.contextLimit / 2)),
    batch,
  };
  const environment = environmentOf(model.environment, batch === 1 ? (model.form?.form ?? "original") : "original");
  return { environment, model: model.summary.structureHash, cell, method: METHOD_VERSION };
}

const now = () => performance.now();

/** An entry of before there were labels gets the model's. */
function labelled(profile: Profile, { folder }: Pick<ExaminedModel, "folder">): Profile {
  const label = profile.label ?? modelLabel(folder);
  return label === undefined || label === profile.label ? profile : { ...profile, label };
}

/** Where a profile is looked for and measured, and what the store had there. */
interface Place {
  readonly model: OpenModel;
  readonly store: ProfileStore;
  readonly key: ProfileKey;
  readonly probe: Probe;
  readonly known: Profile | undefined;
}

/** What a look at the machine says of the stored profile. `better`: it holds, and a quiet machine could measure a better one. */
type Check =
  | { readonly use: "known"; readonly loaded: { readonly profile: Profile; readonly storeError?: NearfreeError } }
  | { readonly use: "better" }
  | { readonly use: "measured" };

const MEASURE: Check = { use: "measured" };

/** Runs the canary on what is there to be checked. */
async function checkKnown({ known, probe, store }: Place, options: LoadOrCalibrateOptions): Promise<Check> {
  const standing = known && profileStanding(known);
  if (known === undefined || (standing !== "whole" && standing !== "imported")) return MEASURE;
  const { clock = now, onWarning, signal } = options;
  const watch = watchOf(options)();
  const own = standing === "whole";
  const verdict = await runCanary(probe, known, { clock, signal, own });
  const busyNow = (watch.waitedShare() ?? 0) > BUSY_SHARE;
  if (verdict.verdict === "agrees") {
    if (known.run.busy === true) return busyNow ? { use: "known", loaded: { profile: known } } : { use: "better" };
    const { imported: _, ...rest } = known;
    return { use: "known", loaded: await keep(store, { ...rest, confirmedAt: new Date().toISOString() }, onWarning) };
  }
  // Noise is no ground to call a profile wrong that was measured here; one from elsewhere has nothing else to speak for it.
  if (own && verdict.verdict === "unresolvable") return { use: "known", loaded: { profile: known } };
  onWarning?.(`the ${own ? "stored" : "imported"} profile is not used: ${verdict.reason}; measuring instead`);
  return MEASURE;
}

/** Measures, and stores what is worth it. `crowded`: others may be measuring at the same time. */
async function measureAndKeep(place: Place, crowded: boolean, options: LoadOrCalibrateOptions): Promise<LoadedProfile> {
  const { model, store, key, probe, known } = place;
  const { clock = now, onWarning, budget, maxPositions, neighbours, seed, signal, onEvent, fresh } = options;
  const watch = watchOf(options)();
  const resume = !fresh && known && profileStanding(known) === "partial" && !known.run.busy ? known : undefined;
  const measuring = {
    ...(budget && { budget }),
    ...(maxPositions !== undefined && { maxPositions }),
    ...(seed !== undefined && { seed }),
    ...{ neighbours, signal, onEvent },
  };
  const measured = await measureProfile(model, probe, key, { ...measuring, clock, resume });
  const busy = crowded || (watch.waitedShare() ?? 0) > BUSY_SHARE;
  const profile: Profile = {
    ...measured,
    run: { ...measured.run, ...(busy && { busy: true }) },
    ...(key.cell.batch === 1 && rewriteFacts(model.form)),
    // The key names the routers too: what was measured of the routing holds.
    ...(known?.uniqueExperts && { uniqueExperts: known.uniqueExperts }),
  };
  const worthIt = profileStanding(profile) !== "unresolved" && !outranks(known, profile);
  const kept = worthIt ? await keep(store, profile, onWarning) : { profile };
  if (profile.run.stop === "aborted") throw interrupted(profile, kept.storeError);
  return { origin: "measured", ...kept };
}

/** Scripted time says nothing of this machine's load. */
function watchOf({ clock, watchLoad }: LoadOrCalibrateOptions): WatchLoad {
  return watchLoad ?? (clock === undefined ? watchScheduler : watchNothing);
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
  const standing = profileStanding(known);
  return standing === "whole" || (standing === "partial" && samplesIn(known) > samplesIn(found));
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
