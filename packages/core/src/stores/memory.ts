import { LRUCache } from "lru-cache";
import { hashOf } from "../contracts/environment.ts";
import { NearfreeError } from "../contracts/errors.ts";
import { type Profile, parseProfile } from "../profile/profile.ts";
import type { ProfileStore } from "./profile-store.ts";

/** Profiles that a memory store keeps before it forgets the least recently used. A profile is a few kB. */
export const DEFAULT_MEMORY_ENTRIES = 64;

export interface MemoryStoreOptions {
  /** Most profiles kept. Default 64. */
  readonly max?: number;
  /** Ms since 1970, by which claims end. Default `Date.now`. */
  readonly now?: () => number;
}

/**
 * Keeps profiles in this process, least recently used out first.
 *
 * @throws NearfreeError `invalid-argument` when `max` is not a positive integer; from `put`, when the profile is not valid.
 */
export function createMemoryStore({
  max = DEFAULT_MEMORY_ENTRIES,
  now = Date.now,
}: MemoryStoreOptions = {}): ProfileStore {
  if (!Number.isSafeInteger(max) || max < 1) {
    throw new NearfreeError({
      code: "invalid-argument",
      from: "core",
      what: "createMemoryStore max",
      expected: "a positive integer",
      received: String(max),
      remedy: "leave it out for the default",
    });
  }
  // Text rather than objects: what one caller does to a profile never reaches the next.
  /** Of each device: until when it is claimed. The object says whose claim it is. */
  const claims = new Map<string, { until: number }>();
  const entries = new LRUCache<string, string>({ max });
  const read = (text: string | undefined): Profile | undefined =>
    text === undefined ? undefined : parseProfile(JSON.parse(text));

  return {
    get: async (key) => read(entries.get(hashOf(key))),
    async put(profile) {
      assertValid(profile);
      entries.set(hashOf(profile.key), JSON.stringify(profile));
    },
    list: async () => [...entries.values()].map(read).filter((profile) => profile !== undefined),
    delete: async (key) => entries.delete(hashOf(key)),
    async claim(key, ms) {
      const device = hashOf(key.environment.device);
      if ((claims.get(device)?.until ?? 0) > now()) return undefined;
      const own = { until: now() + ms };
      claims.set(device, own);
      return {
        async renew() {
          own.until = now() + ms;
          return claims.get(device) === own;
        },
        async release() {
          if (claims.get(device) === own) claims.delete(device);
        },
      };
    },
  };
}

/** Refuses a profile that no store could give back. @throws NearfreeError `invalid-argument`. */
export function assertValid(profile: Profile): void {
  if (parseProfile(profile) !== undefined) return;
  throw new NearfreeError({
    code: "invalid-argument",
    from: "core",
    what: "profile",
    expected: "a whole, consistent profile",
    received: "one that parseProfile refuses",
    remedy: "store only what a calibration returned",
  });
}
