import { NearfreeError, type Profile } from "@nearfree/core";
import { type Prediction, predict } from "@nearfree/core/principle";
import { resolveModelFolder, summarizeFile } from "@nearfree/ort-adapter/node";
import { formOf } from "../../node/form/kv-form.ts";
import type { PredictionOf } from "../../report/group-section.ts";
import { findSignature } from "../signature-source.ts";

/**
 * Predictions for those profiles that are of the model at `path`, each in the environment that its profile was measured in.
 *
 * @throws NearfreeError `invalid-argument` where none of them is; what reading the model and the device throws.
 */
export async function predictionsOf(
  profiles: readonly Profile[],
  { predict: path, device, cache }: { readonly predict?: string; readonly device?: string; readonly cache?: string },
): Promise<PredictionOf> {
  if (path === undefined) return () => undefined;
  const { summary } = summarizeFile((await resolveModelFolder(path)).modelPath);
  const own = profiles.filter(({ key }) => key.model === summary.structureHash);
  if (own.length === 0) throw noneOfModel(path, summary.structureHash);
  const uniqueExperts = own.find((profile) => profile.uniqueExperts)?.uniqueExperts;
  const predictions = new Map<Profile, Prediction>();
  for (const profile of own) {
    const { cell } = profile.key;
    const source = await findSignature({ ...formOf(profile.key.environment), summary }, device, cache);
    const prediction = predict(source.summary, source.signature, cell, { uniqueExperts });
    predictions.set(profile, { ...prediction, assumed: [source.about, ...prediction.assumed] });
  }
  return (profile) => predictions.get(profile);
}

function noneOfModel(path: string, model: string): NearfreeError {
  return new NearfreeError({
    code: "invalid-argument",
    from: "calibrate",
    what: `--predict ${path}`,
    expected: `a model of one of the profiles, whose hash starts with ${model.slice(0, 12)}`,
    received: "none of it",
    remedy: "calibrate it first, or name the model that the profiles are of",
  });
}
