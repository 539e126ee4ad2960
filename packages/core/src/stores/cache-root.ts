/// <reference types="node" />
import { homedir } from "node:os";
import { posix, win32 } from "node:path";

/** Where `defaultCacheRoot` looks; injected by tests. */
export interface CacheRootContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly home: string;
}

/**
 * The user's cache folder for nearfree: `NEARFREE_CACHE` where set, else the platform's custom: `$XDG_CACHE_HOME/nearfree`
 * or `~/.cache/nearfree`, `~/Library/Caches/nearfree`, `%LOCALAPPDATA%\nearfree\Cache`. Nothing is created.
 */
export function defaultCacheRoot(context?: CacheRootContext): string {
  const { env, platform, home } = context ?? { env: process.env, platform: process.platform, home: homedir() };
  if (env.NEARFREE_CACHE) return env.NEARFREE_CACHE;
  if (platform === "win32") {
    return win32.join(env.LOCALAPPDATA || win32.join(home, "AppData", "Local"), "nearfree", "Cache");
  }
  if (platform === "darwin") return posix.join(home, "Library", "Caches", "nearfree");
  const xdg = env.XDG_CACHE_HOME;
  // The XDG base directory specification: a relative path is to be ignored.
  return posix.join(xdg && posix.isAbsolute(xdg) ? xdg : posix.join(home, ".cache"), "nearfree");
}
