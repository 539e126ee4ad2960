import { readdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";
import { NearfreeError } from "@nearfree/core";
import { type ModelFolder, readJsonObject } from "@nearfree/ort-adapter/node";

/** What a folder that `optimize` wrote says of itself. */
export const NOTE = "nearfree.json";
/** Of the note: a folder with another one is not taken for ours. */
export const NOTE_KIND = "nearfree-optimized-model";

/** Where an optimised model is to be, and whether an earlier one makes room for it. */
export interface TargetFolder {
  readonly path: string;
  readonly replace: boolean;
}

/**
 * The folder that `out` names, or `<model folder>-nearfree`. What is there already stays, unless it is an earlier result.
 * @throws NearfreeError `invalid-argument` for a file, a folder with something else in it, the model's own folder, one inside it or one
 *   around it.
 */
export async function targetFolder(folder: ModelFolder, out: string | undefined): Promise<TargetFolder> {
  const model = await realpath(folder.folder);
  const path = await realPathOf(resolve(out ?? `${resolve(folder.folder)}-nearfree`));
  if (path === model) throw refused(path, "a folder of its own", "the model's own folder");
  if (path.startsWith(withSeparator(model))) {
    throw refused(path, "a folder outside the model's", `one inside ${folder.folder}`);
  }
  if (model.startsWith(withSeparator(path))) throw refused(path, "a folder of its own", "one that the model is in");
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return { path, replace: false };
  if (!found.isDirectory()) throw refused(path, "a folder", "a file");
  const names = await readdir(path);
  if (names.length > 0 && !(await isOurs(path))) {
    throw refused(path, "an empty folder, or an earlier result", `a folder with ${names.length} other files in it`);
  }
  return { path, replace: true };
}

async function isOurs(path: string): Promise<boolean> {
  const note = await readJsonObject(join(path, NOTE)).catch(() => undefined);
  return note?.kind === NOTE_KIND;
}

/** With symbolic links followed as far as there is something. */
async function realPathOf(path: string): Promise<string> {
  const parent = dirname(path);
  if (parent === path) return path;
  return realpath(path).catch(async () => join(await realPathOf(parent), basename(path)));
}

function withSeparator(path: string): string {
  return path.endsWith(sep) ? path : `${path}${sep}`;
}

function refused(what: string, expected: string, received: string): NearfreeError {
  const remedy = "name another folder with --out";
  return new NearfreeError({ code: "invalid-argument", from: "calibrate", what, expected, received, remedy });
}
