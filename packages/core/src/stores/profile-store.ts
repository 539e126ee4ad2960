import type { ProfileKey } from "../contracts/environment.ts";
import type { Profile } from "../profile/profile.ts";

/**
 * Where profiles are kept. `get` and `list` never throw for bad entries: an invalid one is a miss.
 * Implementations: memory, file system (`@nearfree/core/fs-store`).
 */
export interface ProfileStore {
  /** The profile with exactly this key, or undefined. */
  get(key: ProfileKey): Promise<Profile | undefined>;
  /** Stores a profile under its own key; a reader sees the old one or the new one, never a part. @throws NearfreeError `store-unwritable`. */
  put(profile: Profile): Promise<void>;
  /** Every valid profile, in no particular order. */
  list(): Promise<Profile[]>;
  /** Removes the profile with this key; whether there was one. */
  delete(key: ProfileKey): Promise<boolean>;
}
