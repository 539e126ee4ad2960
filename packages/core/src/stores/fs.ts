/// <reference types="node" />
import { createHash } from "node:crypto";
import { mkdir, readdir, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { canonicalJson, type ProfileKey } from "../contracts/environment.ts";
import { NearfreeError } from "../contracts/errors.ts";
import { PROFILE_VERSION, type Profile } from "../profile/profile.ts";
import { decodeEntry, encodeEntry } from "./entry.ts";
import { readEntryFile, setAside } from "./entry-file.ts";
import { claimFile } from "./fs-claim.ts";
import { assertValid } from "./memory.ts";
import type { ProfileStore } from "./profile-store.ts";
import { publishFile } from "./publish-file.ts";
import { errorCode, isMissing } from "./retry-briefly.ts";

export { type CacheRootContext, defaultCacheRoot, systemCacheRoots } from "./cache-root.ts";
export { type EntryText, readEntryFile, setAside } from "./entry-file.ts";
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
  /** Ms since 1970, by which claims end. Default `Date.now`. */
  readonly now?: () => number;
}

/**
 * Profiles as files, `<root>/v1/<environment hash>/entries/<cell>.json`. Writes are atomic (temporary file, fsync, rename),
 * so readers and writers of several processes need no lock. A damaged entry is a miss: it is renamed to `.bad` (left alone in
 * a read-only store) and warned of once, never thrown. One that cannot be read just now is a miss too, and stays where it is: it may be
 * whole for every other process.
 */
export function createFsStore(options: FsStoreOptions): ProfileStore {
  const { root, readOnly = false, onWarning = () => {}, now = Date.now } = options;
  const versionRoot = join(root, `v${PROFILE_VERSION}`);
  const pathOf = (key: ProfileKey) => join(versionRoot, environmentFolder(key), "entries", entryName(key));

  /** What has been warned of, and is met again at every look. */
  const warned = new Set<string>();

  function warnOnce(path: string, text: string): void {
    if (warned.has(path)) return;
    warned.add(path);
    onWarning(`[core] ${path}: ${text}`);
  }

  async function refuse(path: string, reason: string): Promise<void> {
    if (warned.has(path)) return;
    const { moved, outcome } = readOnly
      ? { moved: false, outcome: "could not be renamed (the store is read-only)" }
      : await setAside(path);
    warnOnce(path, `the cached profile is ${reason} and counts as missing; it ${outcome}`);
    if (moved) warned.delete(path);
  }

  async function read(path: string): Promise<Profile | undefined> {
    const entry = await readEntryFile(path, MAX_ENTRY_BYTES);
    if (entry.found === "nothing") return undefined;
    if (entry.found === "obstacle") {
      warnOnce(
        path,
        `the cached profile cannot be read now (${entry.code}) and counts as missing; it stays where it is`,
      );
      return undefined;
    }
    const profile = entry.found === "text" ? decodeEntry(entry.text, nativeHashOf) : undefined;
    if (profile !== undefined && pathOf(profile.key) === path) {
      warned.delete(path);
      return profile;
    }
    await refuse(path, entry.found === "damage" ? entry.reason : profile === undefined ? "damaged" : "of another key");
    return undefined;
  }

  async function namesIn(folder: string): Promise<string[]> {
    try {
      return await readdir(folder);
    } catch (error) {
      if (!isMissing(error)) warnOnce(folder, `the cached profiles in it cannot be read (${errorCode(error)})`);
      return [];
    }
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
    ...(!readOnly && {
      async claim(key, ms) {
        const path = join(versionRoot, "claims", `${nativeHashOf(key.environment.device).slice(0, 32)}.json`);
        try {
          return await claimFile(path, ms, now);
        } catch (error) {
          throw unwritable(path, errorCode(error), error);
        }
      },
    }),
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
