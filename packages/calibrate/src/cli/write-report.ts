import { randomUUID } from "node:crypto";
import { rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { NearfreeError } from "@nearfree/core";

/**
 * Writes `text` to a temporary file beside `path` and renames it there: a reader sees the old report or the new one, never half.
 *
 * @returns the absolute path
 * @throws NearfreeError `store-unwritable`; nothing is left behind.
 */
export async function writeReport(path: string, text: string): Promise<string> {
  const target = resolve(path);
  const temporary = join(dirname(target), `.${basename(target)}.${randomUUID()}`);
  try {
    await writeFile(temporary, text, { flag: "wx" });
    await rename(temporary, target);
    return target;
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw new NearfreeError({
      code: "store-unwritable",
      from: "calibrate",
      what: path,
      expected: "a file in a folder that can be written",
      received: (error as NodeJS.ErrnoException).code ?? String(error),
      remedy: "name another file with --out",
      cause: error,
    });
  }
}
