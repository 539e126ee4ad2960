import { NearfreeError, type Profile } from "@nearfree/core";
import { modelName, namedModel } from "../report/model-name.ts";

/** Most models that a refusal names. */
const MOST_NAMED = 8;

/**
 * The profiles that `name` means: all without one, else those whose label it is, whatever its case; where none has it, those whose label
 * or structure hash starts with it.
 *
 * @throws NearfreeError `invalid-argument` where a name finds nothing: it says what is there.
 */
export function chooseProfiles(profiles: readonly Profile[], name: string | undefined): Profile[] {
  if (name === undefined) return [...profiles];
  const wanted = name.toLowerCase();
  const labelled = profiles.filter(({ label }) => label?.toLowerCase() === wanted);
  const found =
    labelled.length > 0
      ? labelled
      : profiles.filter(({ label, key }) => label?.toLowerCase().startsWith(wanted) || key.model.startsWith(wanted));
  if (found.length > 0) return found;
  const names = [...new Set(profiles.map((profile) => modelName(namedModel(profile))))].sort();
  const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : "";
  throw new NearfreeError({
    code: "invalid-argument",
    from: "calibrate",
    what: `profiles of ${JSON.stringify(name)}`,
    expected: "the label of a model in the cache, or the beginning of its hash",
    received: names.length === 0 ? "a name while the cache is empty" : "a name that none has",
    remedy:
      names.length === 0
        ? "run `nearfree calibrate <model>` first"
        : `there are ${names.slice(0, MOST_NAMED).join(", ")}${more}`,
  });
}
