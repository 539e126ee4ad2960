import { describe, expect, it } from "vitest";
import { crowdedRooms } from "./room-sizes.mjs";

const files = (folder: string, count: number) => Array.from({ length: count }, (_, i) => `${folder}file-${i}.ts`);

describe("crowdedRooms", () => {
  it("counts the code of each folder for itself, tests apart", () => {
    const tests = files("a/", 30).map((file) => file.replace(".ts", ".test.ts"));
    expect(crowdedRooms("p/src", [...files("a/", 20), ...files("a/b/", 20), ...tests, "a/notes.md"])).toEqual([]);
  });

  it("names the folder that holds one too many", () => {
    expect(crowdedRooms("p/src", [...files("a/", 20), ...files("a/b/", 21)])).toEqual([
      "p/src/a/b: expected at most 20 files of code, found 21; open a room",
    ]);
  });

  it("takes a dozen entries at the top, folders among them", () => {
    expect(crowdedRooms("p/src", [...files("", 10), ...files("a/", 9), ...files("b/c/", 9)])).toEqual([]);
    expect(crowdedRooms("packages/p/src", [...files("", 11), ...files("a/", 9), ...files("b/c/", 9)])).toEqual([
      "packages/p/src: expected at most 12 entries, found 13; open a room",
    ]);
  });
});
