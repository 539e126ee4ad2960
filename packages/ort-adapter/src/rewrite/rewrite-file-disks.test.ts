import { execFileSync } from "node:child_process";
import { mkdtempSync, rmdirSync } from "node:fs";
import { mkdir, readdir, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeModelFile } from "../onnx/write/write-model-file.ts";
import { sampleDecoder } from "../testing/sample-decoder.ts";
import { rewriteModelFile } from "./rewrite-file.ts";

const mount = (...args: string[]) => execFileSync("mount", args, { stdio: "ignore" });
const unmount = (path: string) => execFileSync("umount", [path], { stdio: "ignore" });

/** Why no file system can be mounted here; undefined where one can. */
function whyNoMounts(): string | undefined {
  const path = mkdtempSync(join(tmpdir(), "nearfree-mount-"));
  try {
    mount("-t", "tmpfs", "tmpfs", path);
    unmount(path);
    return undefined;
  } catch {
    return "needs root, and leave to mount";
  } finally {
    rmdirSync(path);
  }
}

const reason = whyNoMounts();

describe.skipIf(reason !== undefined)(
  `rewriteModelFile on a disk of its own${reason ? ` (skipped: ${reason})` : ""}`,
  () => {
    let disk: string;
    let source: string;
    let cache: string;

    beforeEach(async () => {
      disk = mkdtempSync(join(tmpdir(), "nearfree-disk-"));
      mount("-t", "tmpfs", "-o", "size=2m", "tmpfs", disk);
      source = join(disk, "model", "model.onnx");
      cache = join(disk, "cache");
      await mkdir(dirname(source));
      await writeModelFile(source, sampleDecoder());
    });

    afterEach(() => {
      unmount(disk);
      rmdirSync(disk);
    });

    it("says that the disk is full, wherever it ends, and leaves nothing", async () => {
      const page = 4096;
      let full = 0;
      for (; ; full++) {
        await rm(join(disk, "filler"), { force: true });
        await fill(join(disk, "filler"));
        await truncate(join(disk, "filler"), Math.max(0, (await stat(join(disk, "filler"))).size - full * page));
        const result = await rewriteModelFile(source, cache);
        if (result.form !== "none") break;
        expect(result).toEqual({ form: "none", obstacle: true, reason: `${cache} is full` });
        expect(await readdir(cache).catch(() => [])).toEqual([]);
      }
      // The folders, the graph and the note each want some.
      expect(full).toBeGreaterThan(2);
    });

    it("says that nothing can be written where that is so, and takes what was written before", async () => {
      mount("-o", "remount,ro", disk);
      expect(await rewriteModelFile(source, cache)).toEqual({
        form: "none",
        obstacle: true,
        reason: `${cache} cannot be written`,
      });
      mount("-o", "remount,rw", disk);
      const made = await rewriteModelFile(source, cache);
      mount("-o", "remount,ro", disk);
      expect(await rewriteModelFile(source, cache)).toEqual(made);
      expect(made).toMatchObject({ form: "lean" });
    });
  },
);

/** Writes as much as the disk takes. */
async function fill(path: string): Promise<void> {
  const block = new Uint8Array(1024);
  for (;;) {
    try {
      await writeFile(path, block, { flag: "a" });
    } catch {
      return;
    }
  }
}
