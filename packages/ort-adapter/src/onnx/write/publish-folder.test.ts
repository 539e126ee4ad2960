import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { isAbandoned, publishFolder, removeAbandoned } from "./publish-folder.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "nearfree-publish-"));
});
afterEach(() => rm(root, { recursive: true }));

const fill = (folder: string) => writeFile(join(folder, "a.txt"), "a");

it.skipIf(process.platform === "win32")(
  "leaves a folder that others may read, as far as the umask allows",
  async () => {
    for (const mask of [0o022, 0o027]) {
      const target = join(root, `folder-${mask}`);
      const before = process.umask(mask);
      try {
        await publishFolder(target, fill);
      } finally {
        process.umask(before);
      }
      expect((await stat(target)).mode & 0o777).toBe(0o777 & ~mask);
      expect((await stat(join(target, "a.txt"))).mode & 0o777).toBe(0o666 & ~mask);
    }
  },
);

it("leaves nothing where filling fails, and the first where two publish the same", async () => {
  const fail = () => Promise.reject(new Error("full"));
  await expect(publishFolder(join(root, "a"), fail)).rejects.toThrow("full");
  expect(await readdir(root)).toEqual([]);
  await Promise.all([publishFolder(join(root, "a"), fill), publishFolder(join(root, "a"), fill)]);
  expect(await readdir(root)).toEqual(["a"]);
});

it("replaces what was there where it is asked to, and keeps it where filling fails", async () => {
  const target = join(root, "a");
  await publishFolder(target, (folder) => writeFile(join(folder, "old.txt"), "old"));
  const fail = () => Promise.reject(new Error("full"));
  await expect(publishFolder(target, fail, { replace: true })).rejects.toThrow("full");
  expect(await readdir(target)).toEqual(["old.txt"]);
  await publishFolder(target, fill, { replace: true });
  expect(await readdir(target)).toEqual(["a.txt"]);
  expect(await readdir(root)).toEqual(["a"]);
});

it("leaves nothing beside a file that stands where the folder should", async () => {
  const target = join(root, "a");
  await writeFile(target, "a file");
  await expect(publishFolder(target, fill)).rejects.toThrow();
  expect(await readdir(root)).toEqual(["a"]);
});

it("removes what a killed process left of a target once it is old, and nothing else", async () => {
  const id = "0b9b1c1e-3f0e-4c39-9d0f-2f6f1c8c1a11";
  for (const name of [`.a-${id}`, `.ab-${id}`, ".a-notes", `.a-${id.replace("0b", "1c")}`])
    await mkdir(join(root, name));
  for (const name of [`.a-${id}`, `.ab-${id}`, ".a-notes"]) await utimes(join(root, name), 1, 1);
  expect(await isAbandoned(join(root, `.a-${id}`))).toBe(true);
  await removeAbandoned(join(root, "a"));
  expect((await readdir(root)).sort()).toEqual([".a-1c9b1c1e-3f0e-4c39-9d0f-2f6f1c8c1a11", ".a-notes", `.ab-${id}`]);
});
