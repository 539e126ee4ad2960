import { refuse } from "../contracts/refuse.ts";
import type { Profile } from "./profile.ts";

/** One profile, several or none as a list. @throws NearfreeError `invalid-argument` for what is no profile, a loaded one's wrapper above all. */
export function listProfiles(profiles: Profile | readonly Profile[] | undefined): readonly Profile[] {
  const list = profiles === undefined ? [] : [profiles].flat();
  for (const profile of list) {
    if (Array.isArray(profile?.points) && profile.key?.cell !== undefined && profile.invariance !== undefined) continue;
    const wrapped = (profile as unknown as { profile?: unknown } | null)?.profile !== undefined;
    refuse(
      "profile",
      "a Profile",
      wrapped ? "an object that holds one" : typeof profile,
      "pass its `profile`, or leave it out",
    );
  }
  return list;
}
