/// <reference types="node" />
import { createHash } from "node:crypto";
import { mkdir, open, readdir, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { canonicalJson, type ProfileKey } from "../contracts/environment.ts";
import { NearfreeError } from "../contracts/errors.ts";
import { PROFILE_VERSION, type Profile } from "../profile/profile.ts";
import { decodeEntry, encodeEntry } from "./entry.ts";
import { assertValid } from "./memory.ts";
import type { ProfileStore } from "./profile-store.ts";
import { publishFile } from "./publish-file.ts";

export { type CacheRootContext, defaultCacheRoot, systemCacheRoots } from "./cache-root.ts";
export { publishFile } from "./publish-file.ts";

/** A profile is a few kB: what is larger than this was not written by a store, and is not read. */
export const MAX_ENTRY_BYTES = 1 << 20;

export interface FsStoreOptions {
  /** Folder that holds the entries, created by the first `put`. See `defaultCacheRoot()`. */
  readonly root: string;
  /** Never writes, deletes or renames: a folder of the system's. `put` throws, `delete` finds nothing. Default false. */
  readonly readOnly?: boolean;
  /** Told once, in one line, of each entry that cannot be used. Default: nobody. */
  readonly onWarning?: (message: string) => void;
}

/**
 * Profiles as files, `<root>/v1/<environment hash>/entries/<cell>.json`. Writes are atomic (temporary file, fsync, rename),
 * so readers and writers of several processes need no lock. An invalid entry is a miss: it is renamed to `.bad` (left alone in
 * a read-only store) and warned of once, never thrown.
 */
export function createFsStore({ root, readOnly = false, onWarning = () => {} }: FsStoreOptions): ProfileStore {
  const versionRoot = join(root, `v${PROFILE_VERSION}`);
  const pathOf = (key: ProfileKey) => join(versionRoot, environmentFolder(key), "entries", entryName(key));

  /** Invalid entries that stay where they are, and are met again at every look. */
  const stuck = new Set<string>();

  async function refuse(path: string, reason: string): Promise<void> {
    if (stuck.has(path)) return;
    const obstacle = readOnly ? "the store is read-only" : await setAside(path);
    if (obstacle !== undefined) stuck.add(path);
    const place =
      obstacle === undefined ? `was renamed to ${basename(path)}.bad` : `could not be renamed (${obstacle})`;
    onWarning(`[core] ${path}: the cached profile is ${reason} and counts as missing; it ${place}`);
  }

  async function read(path: string): Promise<Profile | undefined> {
    let reason: string;
    try {
      const text = await readBounded(path);
      const profile = text === undefined ? undefined : decodeEntry(text, nativeHashOf);
      if (profile !== undefined && pathOf(profile.key) === path) return profile;
      reason = text === undefined ? "too large" : profile === undefined ? "damaged" : "of another key";
    } catch (error) {
      if (isMissing(error)) return undefined;
      reason = errorCode(error);
    }
    await refuse(path, reason);
    return undefined;
  }

  return {
    async get(key) {
      const profile = await read(pathOf(key));
      return profile !== undefined && canonicalJson(profile.key) === canonicalJson(key) ? profile : undefined;
    },
    async put(profile) {
      assertValid(profile);
      const path = pathOf(profile.key);
      if (readOnly) throw unwritable(path, "a read-only store");
      try {
        const text = encodeEntry(profile, nativeHashOf);
        await publishFile(path, text).catch(async (error: unknown) => {
          if (!isMissing(error)) throw error;
          await mkdir(dirname(path), { recursive: true });
          await publishFile(path, text);
        });
      } catch (error) {
        throw unwritable(path, errorCode(error), error);
      }
    },
    async list() {
      const profiles: Profile[] = [];
      for (const folder of await namesIn(versionRoot)) {
        const entries = join(versionRoot, folder, "entries");
        for (const name of await namesIn(entries)) {
          const profile = name.endsWith(".json") ? await read(join(entries, name)) : undefined;
          if (profile !== undefined) profiles.push(profile);
        }
      }
      return profiles;
    },
    async delete(key) {
      if (readOnly) return false;
      const path = pathOf(key);
      try {
        await unlink(path);
        return true;
      } catch (error) {
        if (isMissing(error)) return false;
        throw unwritable(path, errorCode(error), error);
      }
    },
  };
}

/** `hashOf`, natively: in a process that has just started the portable one takes 7 ms of CPU for a large profile. */
function nativeHashOf(value: unknown): string {
  return createHash("sha256").update(canonicalJson(value)).digest("hex");
}

function environmentFolder(key: ProfileKey): string {
  return nativeHashOf(key.environment).slice(0, 32);
}

/** Readable where a person looks for a cell, and unique by the hash of the whole key. */
function entryName(key: ProfileKey): string {
  return `context${key.cell.contextLength}-batch${key.cell.batch}-${nativeHashOf(key).slice(0, 32)}.json`;
}

/** Text of the file, or undefined when it is longer than an entry can be. */
async function readBounded(path: string): Promise<string | undefined> {
  const file = await open(path, "r");
  try {
    if ((await file.stat()).size > MAX_ENTRY_BYTES) return undefined;
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}

/** Renames an entry that is no use; what is in the way, where that fails. */
async function setAside(path: string): Promise<string | undefined> {
  try {
    await rename(path, `${path}.bad`);
    return undefined;
  } catch (error) {
    return errorCode(error);
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch {
    return [];
  }
}

function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unreadable";
}

function isMissing(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR"].includes(errorCode(error));
}

function unwritable(path: string, received: string, cause?: unknown): NearfreeError {
  return new NearfreeError({
    code: "store-unwritable",
    from: "core",
    what: path,
    expected: "a file that can be written",
    received,
    remedy: "free or unlock the folder, or set NEARFREE_CACHE to another one",
    cause,
  });
}
