import { hashOf } from "../contracts/environment.ts";
import { NearfreeError } from "../contracts/errors.ts";
import type { Profile } from "../profile/profile.ts";
import type { ProfileStore } from "./profile-store.ts";

export interface TieredStoreOptions {
  /** Never write to or delete from `back`: a system folder below the user's. Default false. */
  readonly readOnlyBack?: boolean;
  /**
   * Whether what only `back` had is copied to `front`, or of which profiles. Default true. False where the front is no faster: a copy
   * there would hide what the back is updated to.
   */
  readonly copyToFront?: boolean | ((profile: Profile) => boolean);
}

/**
 * Reads from `front`, then from `back`. Writes go to both, so that a front in memory serves this process even where the back
 * cannot be written (`put` still throws `store-unwritable` then).
 */
export function createTieredStore(
  front: ProfileStore,
  back: ProfileStore,
  { readOnlyBack = false, copyToFront = true }: TieredStoreOptions = {},
): ProfileStore {
  // The back is seen by more processes; where it cannot be written, those of the front at least take turns.
  const claimable = [back, front].filter((tier) => tier.claim !== undefined);
  return {
    async get(key) {
      const near = await front.get(key);
      if (near !== undefined) return near;
      const far = await back.get(key);
      if (far !== undefined && (typeof copyToFront === "boolean" ? copyToFront : copyToFront(far)))
        await copyTo(front, far);
      return far;
    },
    async put(profile) {
      await front.put(profile);
      if (!readOnlyBack) await back.put(profile);
    },
    async list() {
      const [near, far] = await Promise.all([front.list(), back.list()]);
      const byKey = new Map([...far, ...near].map((profile) => [hashOf(profile.key), profile]));
      return [...byKey.values()];
    },
    async delete(key) {
      const near = await front.delete(key);
      return (!readOnlyBack && (await back.delete(key))) || near;
    },
    ...(claimable.length > 0 && {
      async claim(key, ms) {
        for (const [i, tier] of claimable.entries()) {
          try {
            return await tier.claim!(key, ms);
          } catch (error) {
            if (!isUnwritable(error) || i === claimable.length - 1) throw error;
          }
        }
        return undefined;
      },
    }),
  };
}

// A front that cannot be written costs the next reader a slower lookup, not this one its answer.
async function copyTo(store: ProfileStore, profile: Profile): Promise<void> {
  try {
    await store.put(profile);
  } catch (error) {
    if (!isUnwritable(error)) throw error;
  }
}

function isUnwritable(error: unknown): boolean {
  return error instanceof NearfreeError && error.code === "store-unwritable";
}
