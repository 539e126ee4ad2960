import { expect, it } from "vitest";
import { defaultCacheRoot } from "./cache-root.ts";

it.each([
  ["linux", {}, "/home/a", "/home/a/.cache/nearfree"],
  ["linux", { XDG_CACHE_HOME: "/var/x" }, "/home/a", "/var/x/nearfree"],
  ["linux", { XDG_CACHE_HOME: "relative" }, "/home/a", "/home/a/.cache/nearfree"],
  ["darwin", { XDG_CACHE_HOME: "/var/x" }, "/Users/a", "/Users/a/Library/Caches/nearfree"],
  ["win32", { LOCALAPPDATA: "D:\\L" }, "C:\\Users\\a", "D:\\L\\nearfree\\Cache"],
  ["win32", {}, "C:\\Users\\a", "C:\\Users\\a\\AppData\\Local\\nearfree\\Cache"],
  ["linux", { NEARFREE_CACHE: "/n", XDG_CACHE_HOME: "/var/x" }, "/home/a", "/n"],
] as const)("%s %j", (platform, env, home, expected) => {
  expect(defaultCacheRoot({ platform, env, home })).toBe(expected);
});
