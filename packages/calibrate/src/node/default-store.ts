import { createMemoryStore, createTieredStore, type ProfileStore } from "@nearfree/core";
import { createFsStore, defaultCacheRoot } from "@nearfree/core/fs-store";

export interface DefaultStoreOptions {
  /** Default: the user's cache folder, see `defaultCacheRoot`. */
  readonly root?: string | undefined;
  readonly onWarning?: ((message: string) => void) | undefined;
}

/** Profiles of this process in memory, in front of those in the user's cache folder. */
export function defaultStore({ root = defaultCacheRoot(), onWarning }: DefaultStoreOptions = {}): ProfileStore {
  return createTieredStore(createMemoryStore(), createFsStore({ root, ...(onWarning && { onWarning }) }));
}
