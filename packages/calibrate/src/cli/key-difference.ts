import type { ProfileKey } from "@nearfree/core";

export interface KeyDifference {
  /** Path of the field, e.g. `environment.threads`. */
  readonly field: string;
  readonly wanted: string;
  readonly stored: string;
}

/** The fields in which a stored profile's key differs from the one wanted: why it was not used. */
export function keyDifference(wanted: ProfileKey, stored: ProfileKey): KeyDifference[] {
  const left = fields(wanted);
  const right = fields(stored);
  return [...new Set([...left.keys(), ...right.keys()])]
    .filter((field) => left.get(field) !== right.get(field))
    .map((field) => ({ field, wanted: left.get(field) ?? "absent", stored: right.get(field) ?? "absent" }));
}

/** The stored key with the fewest differences: the one a user probably expected to be found. */
export function nearestKey(wanted: ProfileKey, stored: readonly ProfileKey[]): KeyDifference[] | undefined {
  return stored.map((key) => keyDifference(wanted, key)).sort((a, b) => a.length - b.length)[0];
}

function fields(value: object, prefix = "", out = new Map<string, string>()): Map<string, string> {
  for (const [name, part] of Object.entries(value)) {
    if (part !== null && typeof part === "object") fields(part, `${prefix}${name}.`, out);
    else out.set(`${prefix}${name}`, String(part));
  }
  return out;
}
