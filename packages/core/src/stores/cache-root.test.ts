import { expect, it } from "vitest";
import { defaultCacheRoot, systemCacheRoots } from "./cache-root.ts";

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

it.each([
  ["linux", {}, ["/usr/local/share/nearfree", "/usr/share/nearfree"]],
  [
    "linux",
    { XDG_DATA_DIRS: "/opt/share:relative:/usr/share:/opt/share" },
    ["/opt/share/nearfree", "/usr/share/nearfree"],
  ],
  ["linux", { XDG_DATA_DIRS: "" }, ["/usr/local/share/nearfree", "/usr/share/nearfree"]],
  ["darwin", { XDG_DATA_DIRS: "/opt/share" }, ["/Library/Application Support/nearfree"]],
  ["win32", {}, ["C:\\ProgramData\\nearfree"]],
  ["win32", { PROGRAMDATA: "D:\\P" }, ["D:\\P\\nearfree"]],
  ["linux", { NEARFREE_SYSTEM_CACHE: "/n", XDG_DATA_DIRS: "/opt/share" }, ["/n"]],
  ["linux", { NEARFREE_SYSTEM_CACHE: "" }, []],
] as const)("system folders of %s %j", (platform, env, expected) => {
  expect(systemCacheRoots({ platform, env })).toEqual(expected);
});

it.each([
  ["linux", {}, undefined],
  ["linux", { NEARFREE_CACHE: "/n" }, "/n"],
  ["linux", { XDG_CACHE_HOME: "/var/x" }, "/var/x/nearfree"],
  ["darwin", {}, undefined],
  ["win32", {}, undefined],
  ["win32", { LOCALAPPDATA: "D:\\L" }, "D:\\L\\nearfree\\Cache"],
] as const)("a user without a home, %s %j", (platform, env, expected) => {
  expect(defaultCacheRoot({ platform, env, home: undefined })).toBe(expected);
});

it("asks no more of this process than it has", () => {
  const { HOME } = process.env;
  try {
    process.env.HOME = "";
    expect(defaultCacheRoot({ platform: "linux", env: {}, home: undefined })).toBeUndefined();
    expect(() => [defaultCacheRoot(), systemCacheRoots()]).not.toThrow();
  } finally {
    process.env.HOME = HOME;
  }
});
