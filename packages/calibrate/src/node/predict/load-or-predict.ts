import { type Profile, type ProfileStore, profileStanding } from "@nearfree/core";
import {
  cautiousSignature,
  type DeviceSignature,
  predict,
  predictedProfile,
  summaryIn,
} from "@nearfree/core/principle";
import { modelLabel } from "@nearfree/ort-adapter/node";
import { defaultStore } from "../default-store.ts";
import type { ExaminedModel } from "../examine-model.ts";
import { formOf } from "../form/kv-form.ts";
import { knownRouting } from "../known-routing.ts";
import { profileKey } from "../load-or-calibrate.ts";
import { cachedSignature } from "./load-or-measure-signature.ts";

export interface LoadOrPredictOptions {
  /** Where a measured profile may be. Default: as `loadOrCalibrate`. */
  readonly store?: ProfileStore | undefined;
  /** What the device was measured to do. Default: what the cache has; else the kernel table of the execution provider, most cautiously. */
  readonly signature?: DeviceSignature | undefined;
  /** Cache folder in which the signature is looked for. Default: the user's. */
  readonly root?: string | undefined;
  /** Positions in the KV cache. Default as `loadOrCalibrate`. */
  readonly contextLength?: number | undefined;
  readonly batch?: number | undefined;
  readonly onWarning?: ((message: string) => void) | undefined;
}

/** A profile to schedule from at once, and where it comes from. */
export interface StartingProfile {
  readonly profile: Profile;
  /** `kernel-table`: its ratios are cautious, its milliseconds mean nothing. */
  readonly origin: "cached" | "signature" | "kernel-table";
}

/**
 * A profile without a forward: the measured one where the store has it, else one that is predicted, marked so and stored nowhere.
 * `loadOrCalibrate` measures the one that takes its place. What is predicted is the graph that runs: a rewritten one where `form` says so.
 *
 * A predicted profile knows no invariance class: a scheduler takes more than one position from it only where it is told to be
 * `tolerant`, for nothing says which numbers of positions give the same bits.
 */
export async function loadOrPredict(
  model: Parameters<typeof profileKey>[0] & Partial<Pick<ExaminedModel, "folder">>,
  { store: given, signature: measured, root, contextLength, batch, onWarning }: LoadOrPredictOptions = {},
): Promise<StartingProfile> {
  const { environment } = model;
  const store = given ?? defaultStore({ onWarning });
  const key = profileKey(model, contextLength, batch);
  const summary = summaryIn(model.summary, formOf(key.environment).form);
  const known = await store.get(key);
  if (known !== undefined && profileStanding(known) === "whole") return { profile: known, origin: "cached" };
  const signature = measured ?? (await cachedSignature(model, { root, onWarning }));
  const basis = signature ?? cautiousSignature(environment, summary);
  const prediction = predict(summary, basis, key.cell, { uniqueExperts: await knownRouting(summary, store) });
  const profile = predictedProfile({ key, prediction, signature: basis, summary, predictedAt: new Date() });
  const label = model.folder && modelLabel(model.folder);
  return {
    profile: label === undefined ? profile : { ...profile, label },
    origin: signature === undefined ? "kernel-table" : "signature",
  };
}
