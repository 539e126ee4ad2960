/// <reference types="node" />
import { homedir } from "node:os";
import { posix, win32 } from "node:path";

/** Where the roots are looked for; injected by tests. */
export interface CacheRootContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly home: string;
}

/**
 * The user's cache folder for nearfree: `NEARFREE_CACHE` where set, else the platform's custom: `$XDG_CACHE_HOME/nearfree`
 * or `~/.cache/nearfree`, `~/Library/Caches/nearfree`, `%LOCALAPPDATA%\nearfree\Cache`. Nothing is created.
 */
export function defaultCacheRoot(context = thisProcess()): string {
  const { env, platform, home } = context;
  if (env.NEARFREE_CACHE) return env.NEARFREE_CACHE;
  if (platform === "win32") {
    return win32.join(env.LOCALAPPDATA || win32.join(home, "AppData", "Local"), "nearfree", "Cache");
  }
  if (platform === "darwin") return posix.join(home, "Library", "Caches", "nearfree");
  // The XDG base directory specification: a relative path is to be ignored.
  const [folder = posix.join(home, ".cache")] = [env.XDG_CACHE_HOME ?? ""].filter(posix.isAbsolute);
  return posix.join(folder, "nearfree");
}

/** The data folders of the XDG base directory specification, where `XDG_DATA_DIRS` names none. */
const XDG_DATA_DIRS = "/usr/local/share:/usr/share";

/**
 * Read-only folders with profiles for every user of the machine, most important first: `NEARFREE_SYSTEM_CACHE` alone where set
 * (empty: none), else `nearfree` in each of `$XDG_DATA_DIRS`, `/Library/Application Support` or `%PROGRAMDATA%`.
 */
export function systemCacheRoots(context = thisProcess()): string[] {
  const { env, platform } = context;
  const chosen = env.NEARFREE_SYSTEM_CACHE;
  if (chosen !== undefined) return chosen === "" ? [] : [chosen];
  if (platform === "win32") return [win32.join(env.PROGRAMDATA || "C:\\ProgramData", "nearfree")];
  if (platform === "darwin") return ["/Library/Application Support/nearfree"];
  const folders = (env.XDG_DATA_DIRS || XDG_DATA_DIRS).split(":").filter(posix.isAbsolute);
  return [...new Set(folders.map((folder) => posix.join(folder, "nearfree")))];
}

function thisProcess(): CacheRootContext {
  return { env: process.env, platform: process.platform, home: homedir() };
}
