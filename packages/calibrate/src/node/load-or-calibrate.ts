import {
  type Balance,
  type CalibrationEvent,
  NearfreeError,
  type Profile,
  type ProfileKey,
  type ProfileStore,
} from "@nearfree/core";
import { createBalanceProbes } from "@nearfree/ort-adapter";
import * as ort from "onnxruntime-node";
import { assembleProfile } from "../assemble-profile.ts";
import { calibrate } from "../calibrate.ts";
import { measureBalance } from "../measure-balance.ts";
import { type CalibrateOptions, METHOD_VERSION } from "../options.ts";
import { createModelProbe } from "../runner-probe.ts";
import { CALIBRATION_TEXT } from "./calibration-text.ts";
import { defaultStore } from "./default-store.ts";
import { createSession, type OpenModel } from "./open-model.ts";

/** Positions in the KV cache while measuring, where the caller names none and the model's context allows it. */
export const DEFAULT_CONTEXT_LENGTH = 256;

/** Most positions that a forward is measured with, unless the context leaves room for fewer. */
const MOST_POSITIONS = 64;

export interface LoadOrCalibrateOptions extends Pick<CalibrateOptions, "budget" | "maxPositions" | "seed"> {
  /** Default: memory in front of the user's cache folder. */
  readonly store?: ProfileStore | undefined;
  /** Positions in the KV cache while measuring. Default 256, or half the model's context where that is less. */
  readonly contextLength?: number | undefined;
  /** Measures even where the store has a profile. */
  readonly fresh?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: ((event: CalibrationEvent) => void) | undefined;
  /** Told, in one line, of a profile that could not be read or stored. */
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
 * @throws NearfreeError `aborted`, `context-exceeded` for a context length that the model does not have, `run-failed`.
 */
export async function loadOrCalibrate(model: OpenModel, options: LoadOrCalibrateOptions = {}): Promise<LoadedProfile> {
  const { onWarning, fresh = false } = options;
  const store = options.store ?? defaultStore({ onWarning });
  const key = profileKey(model, options.contextLength);
  const known = fresh ? undefined : await store.get(key);
  if (known !== undefined) return { profile: known, origin: "cached" };
  const profile = await measureProfile(model, key, options);
  // What an abort left is an answer for its caller, not one to keep for others.
  if (profile.run.stop === "aborted") return { profile, origin: "measured" };
  try {
    await store.put(profile);
    return { profile, origin: "measured" };
  } catch (error) {
    if (!(error instanceof NearfreeError && error.code === "store-unwritable")) throw error;
    onWarning?.(error.message);
    return { profile, origin: "measured", storeError: error };
  }
}

/** The key under which the profile of `model` at `contextLength` is stored. */
export function profileKey(model: OpenModel, contextLength?: number): ProfileKey {
  const { contextLimit } = model.runner.describe();
  const cell = {
    contextLength: contextLength ?? Math.min(DEFAULT_CONTEXT_LENGTH, Math.floor(contextLimit / 2)),
    batch: 1,
  };
  return { environment: model.environment, model: model.summary.structureHash, cell, method: METHOD_VERSION };
}

async function measureProfile(model: OpenModel, key: ProfileKey, options: LoadOrCalibrateOptions): Promise<Profile> {
  const { signal, onEvent, budget, maxPositions, seed } = options;
  const { contextLength } = key.cell;
  const clock = () => performance.now();
  const probe = createModelProbe(model.runner, {
    tokens: calibrationTokens(model, contextLength + MOST_POSITIONS),
    contextLength,
  });
  const measurement = await calibrate(probe, {
    clock,
    cell: key.cell,
    ...(budget && { budget }),
    ...(maxPositions && { maxPositions }),
    ...(seed && { seed }),
    ...(signal && { signal }),
    ...(onEvent && { onEvent }),
  });
  model.runner.rewind(0);
  const balance = await deviceBalance(model, signal);
  return assembleProfile({ key, measurement, balance, bytesPerWeight: bytesPerWeight(model), measuredAt: new Date() });
}

/** The balance of the device as this model sees it: same execution provider, same threads, a working set of its size. */
async function deviceBalance(model: OpenModel, signal: AbortSignal | undefined): Promise<Balance> {
  const probes = await createBalanceProbes({
    createSession: (bytes) => createSession(bytes, model.sessionOptions),
    Tensor: ort.Tensor,
    workingSetBytes: model.summary.weightBytes,
  });
  try {
    return await measureBalance(probes, { clock: () => performance.now(), ...(signal && { signal }) });
  } finally {
    await probes.release();
  }
}

/** Bytes that a forward of one position reads per multiply-add that it does: 4 for fp32, a little over 0.5 for int4. */
function bytesPerWeight({ summary }: OpenModel): number {
  return summary.weightBytes / (summary.flopsPerPosition / 2);
}

/** Real text in the model's tokens, as often as needed. Without a tokenizer: ids spread over the vocabulary. */
function calibrationTokens({ codec, runner }: OpenModel, count: number): Int32Array {
  const { vocabularySize } = runner.describe();
  const text = codec?.encode(CALIBRATION_TEXT).filter((token) => token < vocabularySize) ?? [];
  return Int32Array.from({ length: count }, (_, i) => text[i % text.length] ?? (i * 2_654_435_761) % vocabularySize);
}
