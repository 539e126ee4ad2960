import { createMemoryStore, createTieredStore, type ProfileStore } from "@nearfree/core";
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
  let disk = createFsStore({ root, ...warn });
  for (const systemRoot of systemRoots) {
    const system = createFsStore({ root: systemRoot, readOnly: true, ...warn });
    disk = createTieredStore(disk, system, { readOnlyBack: true, copyToFront: false });
  }
  return createTieredStore(createMemoryStore(), disk);
}
