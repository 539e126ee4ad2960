import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { publishFolder } from "./publish-folder.ts";

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
