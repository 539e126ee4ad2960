import { resolve } from "node:path";
import { NearfreeError } from "@nearfree/core";
import { publishFile } from "@nearfree/core/fs-store";

/**
 * Writes what a command was asked to leave at `--out`, whole or not at all.
 *
 * @returns the absolute path
 * @throws NearfreeError `store-unwritable`; nothing is left behind.
 */
export async function writeOutputFile(path: string, text: string): Promise<string> {
  const target = resolve(path);
  try {
    await publishFile(target, text);
    return target;
  } catch (error) {
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
