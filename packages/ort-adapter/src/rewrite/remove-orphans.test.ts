import { link, mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { removeOrphans } from "./remove-orphans.ts";
import { NOTE_FILE } from "./rewrite-note.ts";
import { REWRITE_FILE } from "./write-rewrite.ts";

let root: string;
let folder: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "nearfree-orphans-"));
  folder = join(root, "rewrites");
  await writeFile(join(root, "weights"), "weights");
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function rewrite(name: string, linked: boolean) {
  await mkdir(join(folder, name), { recursive: true });
  for (const file of [REWRITE_FILE, NOTE_FILE]) await writeFile(join(folder, name, file), "");
  if (linked) await link(join(root, "weights"), join(folder, name, "weights"));
}

describe("removeOrphans", () => {
  it("removes rewrites whose weights are nobody's any more, and no others", async () => {
    await rewrite("kept", true);
    await rewrite("gone", false);
    await writeFile(join(folder, "gone", "weights"), "the last link");
    await rewrite("without-weights", false);
    await writeFile(join(folder, "a-file"), "");
    await removeOrphans(folder);
    expect((await readdir(folder)).sort()).toEqual(["a-file", "kept", "without-weights"]);
  });

  it("removes what a killed process left, once nobody can be at work on it", async () => {
    await rewrite(".old", true);
    await rewrite(".young", true);
    await utimes(join(folder, ".old"), new Date(1), new Date(1));
    await removeOrphans(folder);
    expect(await readdir(folder)).toEqual([".young"]);
  });

  it("does nothing where there is no folder", () => expect(removeOrphans(folder)).resolves.toBeUndefined());
});
