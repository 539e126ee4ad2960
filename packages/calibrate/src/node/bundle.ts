import { NearfreeError, type Profile, parseProfile, profileStanding } from "@nearfree/core";
import { hashOf } from "@nearfree/core/measure";

/** Bumped whenever the shape of a bundle changes. The profiles inside carry a version of their own. */
export const BUNDLE_VERSION = 1;

/** Far above what thousands of profiles take: what is larger is no bundle, and is not read. */
export const MAX_BUNDLE_BYTES = 256 << 20;

const FORMAT = "nearfree-bundle";

/**
 * The text of a bundle: format, version, checksum of the profiles' canonical JSON, the profiles. Partial profiles stay out, and
 * whoever imports the others checks them anew.
 */
export function encodeBundle(profiles: readonly Profile[]): string {
  const whole = profiles
    .filter((profile) => !["partial", "unresolved"].includes(profileStanding(profile)))
    .map(({ imported: _, confirmedAt: __, ...profile }) => profile)
    .sort((a, b) => (hashOf(a.key) < hashOf(b.key) ? -1 : 1));
  return `${JSON.stringify({ format: FORMAT, version: BUNDLE_VERSION, checksum: hashOf(whole), profiles: whole }, undefined, 1)}\n`;
}

/**
 * The profiles in a bundle, each marked as imported: nothing on this machine has confirmed them. All or nothing.
 *
 * @throws NearfreeError `invalid-bundle`, naming `source`.
 */
export function decodeBundle(text: string, source: string): Profile[] {
  let bundle: unknown;
  try {
    bundle = JSON.parse(text);
  } catch {
    throw invalidBundle(source, "no JSON");
  }
  const { format, version, checksum, profiles } = Object(bundle) as Record<string, unknown>;
  if (format !== FORMAT || !Array.isArray(profiles)) throw invalidBundle(source, "other JSON");
  if (version !== BUNDLE_VERSION) throw invalidBundle(source, `version ${JSON.stringify(version)}`);
  const read = profiles.map((profile) => parseProfile(profile));
  const broken = read.findIndex((profile) => profile === undefined || profileStanding(profile) !== "whole");
  if (broken !== -1)
    throw invalidBundle(source, `a profile that is damaged or of another version (number ${broken + 1})`);
  if (hashOf(read) !== checksum) throw invalidBundle(source, "one that was changed after it was written");
  return read.map((profile) => ({ ...profile!, imported: true }));
}

/** @internal Shared with what reads the file. */
export function invalidBundle(source: string, received: string): NearfreeError {
  return new NearfreeError({
    code: "invalid-bundle",
    from: "calibrate",
    what: source,
    expected: `a bundle of profiles, version ${BUNDLE_VERSION}`,
    received,
    remedy: "write it again with `nearfree export`, by the same version of nearfree",
  });
}
