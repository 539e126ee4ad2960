/// <reference types="node" />
import { randomUUID } from "node:crypto";
import { open, rename, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { retryBriefly } from "./retry-briefly.ts";

/** What Windows says of a file that a scanner, an indexer or a reader holds for a moment. */
const HELD = new Set(["EPERM", "EBUSY", "EACCES"]);

/**
 * Writes a file whole or not at all: to a temporary file in the same folder, flushed to the disk, then renamed over `path`.
 * The temporary name is random, since process ids repeat where containers share a folder. Readable by whom the umask allows. What the
 * system calls throw passes through.
 */
export async function publishFile(path: string, text: string): Promise<void> {
  const temporary = join(dirname(path), `.${randomUUID()}.tmp`);
  try {
    const file = await open(temporary, "wx");
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await moveFile(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw error;
  }
}

/** Renames a file, again for half a second where something holds it. What the system calls throw passes through. */
export async function moveFile(from: string, to: string): Promise<void> {
  await retryBriefly(() => rename(from, to), HELD);
}
