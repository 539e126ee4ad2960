/// <reference types="node" />
import { open, stat } from "node:fs/promises";
import { basename } from "node:path";
import { moveFile } from "./publish-file.ts";
import { errorCode, isMissing, retryBriefly } from "./retry-briefly.ts";

/** What stands at a path. */
export type EntryText =
  | { readonly found: "text"; readonly text: string }
  | { readonly found: "nothing" }
  /** Whatever is there, no store wrote it: it may be moved out of the way. */
  | { readonly found: "damage"; readonly reason: string }
  /** It could not be read just now, by this process: that says nothing of what is in it. `code` is the system's. */
  | { readonly found: "obstacle"; readonly code: string };

/** These pass: a handle that a server forgot, a file that another program holds, too many open files. */
const PASSING = new Set(["ESTALE", "EBUSY", "EAGAIN", "EMFILE", "ENFILE", "EINTR"]);

/** Reads a file of at most `maxBytes`. Never throws. */
export async function readEntryFile(path: string, maxBytes: number): Promise<EntryText> {
  try {
    return await retryBriefly(() => readBounded(path, maxBytes), PASSING);
  } catch (error) {
    const code = errorCode(error);
    if (isMissing(error)) return { found: "nothing" };
    if (code === "EISDIR") return { found: "damage", reason: "not a file" };
    // A folder that may not be entered shows nothing: whoever writes there says so.
    if (code === "EACCES" && !(await isSeen(path))) return { found: "nothing" };
    return { found: "obstacle", code };
  }
}

/** Renames what is no use to `<path>.bad`; says in some words what became of it. */
export async function setAside(path: string): Promise<{ readonly moved: boolean; readonly outcome: string }> {
  try {
    await moveFile(path, `${path}.bad`);
    return { moved: true, outcome: `was renamed to ${basename(path)}.bad` };
  } catch (error) {
    return { moved: false, outcome: `could not be renamed (${errorCode(error)})` };
  }
}

async function readBounded(path: string, maxBytes: number): Promise<EntryText> {
  const file = await open(path, "r");
  try {
    const found = await file.stat();
    if (!found.isFile()) return { found: "damage", reason: "not a file" };
    if (found.size > maxBytes) return { found: "damage", reason: "too large" };
    return { found: "text", text: await file.readFile("utf8") };
  } finally {
    await file.close();
  }
}

/** `stat` needs no permission on the file itself, but one on every folder above it. */
async function isSeen(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
