import { hashOf } from "../contracts/environment.ts";
import { PROFILE_VERSION, type Profile, parseProfile } from "../profile/profile.ts";

/** `hashOf`, or the same hash by the platform's own means. */
export type HashFunction = (value: unknown) => string;

const FORMAT = "nearfree-profile";

/** The text that a store keeps for a profile: format, version, checksum of the profile's canonical JSON, and the profile. */
export function encodeEntry(profile: Profile, hash: HashFunction = hashOf): string {
  const entry = { format: FORMAT, version: PROFILE_VERSION, checksum: hash(profile), profile };
  return `${JSON.stringify(entry, undefined, 1)}\n`;
}

/** The profile in `text`, or undefined for anything that `encodeEntry` did not write whole. Never throws. */
export function decodeEntry(text: string, hash: HashFunction = hashOf): Profile | undefined {
  let entry: unknown;
  try {
    entry = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof entry !== "object" || entry === null) return undefined;
  const { format, version, checksum, profile: raw } = entry as Record<string, unknown>;
  if (format !== FORMAT || version !== PROFILE_VERSION) return undefined;
  const profile = parseProfile(raw);
  return profile !== undefined && hash(profile) === checksum ? profile : undefined;
}
