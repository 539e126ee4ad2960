/// <reference types="node" />
import { homedir } from "node:os";
import { posix, win32 } from "node:path";

/** Where the roots are looked for; injected by tests. */
export interface CacheRootContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  /** Undefined for a user without one: no HOME and no entry among the system's users, as in many containers. */
  readonly home: string | undefined;
}

/**
 * The user's cache folder for nearfree: `NEARFREE_CACHE` where set, else the platform's custom: `$XDG_CACHE_HOME/nearfree`
 * or `~/.cache/nearfree`, `~/Library/Caches/nearfree`, `%LOCALAPPDATA%\nearfree\Cache`. Nothing is created. Undefined where that
 * would be in a home that the user does not have.
 */
export function defaultCacheRoot(context = thisProcess()): string | undefined {
  const { env, platform, home } = context;
  if (env.NEARFREE_CACHE) return env.NEARFREE_CACHE;
  if (platform === "win32") {
    const local = env.LOCALAPPDATA || (home && win32.join(home, "AppData", "Local"));
    return local ? win32.join(local, "nearfree", "Cache") : undefined;
  }
  if (platform === "darwin") return home ? posix.join(home, "Library", "Caches", "nearfree") : undefined;
  // The XDG base directory specification: a relative path is to be ignored.
  const folder = posix.isAbsolute(env.XDG_CACHE_HOME ?? "") ? env.XDG_CACHE_HOME : home && posix.join(home, ".cache");
  return folder ? posix.join(folder, "nearfree") : undefined;
}

/** The data folders of the XDG base directory specification, where `XDG_DATA_DIRS` names none. */
const XDG_DATA_DIRS = "/usr/local/share:/usr/share";

/**
 * Read-only folders with profiles for every user of the machine, most important first: `NEARFREE_SYSTEM_CACHE` alone where set
 * (empty: none), else `nearfree` in each of `$XDG_DATA_DIRS`, `/Library/Application Support` or `%PROGRAMDATA%`.
 */
export function systemCacheRoots(context: Omit<CacheRootContext, "home"> = thisProcess()): string[] {
  const { env, platform } = context;
  const chosen = env.NEARFREE_SYSTEM_CACHE;
  if (chosen !== undefined) return chosen === "" ? [] : [chosen];
  if (platform === "win32") return [win32.join(env.PROGRAMDATA || "C:\\ProgramData", "nearfree")];
  if (platform === "darwin") return ["/Library/Application Support/nearfree"];
  const folders = (env.XDG_DATA_DIRS || XDG_DATA_DIRS).split(":").filter(posix.isAbsolute);
  return [...new Set(folders.map((folder) => posix.join(folder, "nearfree")))];
}

function thisProcess(): CacheRootContext {
  return { env: process.env, platform: process.platform, home: homeFolder() };
}

function homeFolder(): string | undefined {
  try {
    // An empty HOME is returned as it is.
    return homedir() || undefined;
  } catch {
    return undefined;
  }
}
