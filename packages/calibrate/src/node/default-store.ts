import { createMemoryStore, createTieredStore, isTrusted, type Profile, type ProfileStore } from "@nearfree/core";
import { createFsStore, defaultCacheRoot, systemCacheRoots } from "@nearfree/core/fs-store";

export interface DefaultStoreOptions {
  /** Default: the user's cache folder, see `defaultCacheRoot`. */
  readonly root?: string | undefined;
  /** Read-only folders behind it, most important first. Default: the system's, see `systemCacheRoots`. */
  readonly systemRoots?: readonly string[] | undefined;
  readonly onWarning?: ((message: string) => void) | undefined;
}

/** Profiles of this process in memory, in front of those in the user's cache folder, in front of those of the system. */
export function defaultStore(options: DefaultStoreOptions = {}): ProfileStore {
  const { root = defaultCacheRoot(), systemRoots = systemCacheRoots(), onWarning } = options;
  const warn = onWarning && { onWarning };
  if (root === undefined) onWarning?.(NO_CACHE_FOLDER);
  const system = systemRoots.map((systemRoot) => createFsStore({ root: systemRoot, readOnly: true, ...warn }));
  const folders = root === undefined ? system : [createFsStore({ root, ...warn }), ...system];
  // A copy of the system's in the user's folder would hide what the system's is updated to.
  const disk = folders.reduceRight<ProfileStore | undefined>(
    (back, front) => (back ? createTieredStore(front, back, { readOnlyBack: true, copyToFront: false }) : front),
    undefined,
  );
  const memory = createMemoryStore();
  // What waits for a look at the machine, or for more samples, may be another on the disk the next time.
  const copyToFront = (profile: Profile) => isTrusted(profile, Date.now());
  return disk === undefined
    ? memory
    : createTieredStore(memory, disk, { readOnlyBack: root === undefined, copyToFront });
}

/** What is said where nothing can be kept. */
export const NO_CACHE_FOLDER =
  "this user has no home folder, so nothing is kept when the process ends; set NEARFREE_CACHE or pass --cache to keep it";
