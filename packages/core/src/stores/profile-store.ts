import type { ProfileKey } from "../contracts/environment.ts";
import type { Profile } from "../profile/profile.ts";

/** Leave to measure while others wait. It ends by itself, so that a process that dies holds nobody up. */
export interface Claim {
  /** Holds it for as long again; false where it ended and somebody else has it. */
  renew(): Promise<boolean>;
  release(): Promise<void>;
}

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
  /**
   * Claims the device of the key for a measurement of at most `ms`, unless renewed: measurements that run side by side disturb each
   * other, whatever they measure. Undefined while somebody else holds it. A store without this member lets everybody measure at once.
   *
   * @throws NearfreeError `store-unwritable` where nothing can be claimed.
   */
  claim?(key: ProfileKey, ms: number): Promise<Claim | undefined>;
}
