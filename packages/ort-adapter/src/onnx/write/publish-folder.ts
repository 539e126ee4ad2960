import { randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** A temporary folder this old belongs to nobody who still runs. */
const ABANDONED_MS = 24 * 3600 * 1000;
/** How the name of a temporary folder ends. */
const UUID = /-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Makes the folder `target` appear whole or not at all: `fill` writes into a temporary folder beside it, which is then
 * renamed. What was there, or another process published meanwhile, stays, or makes room where it is to be replaced.
 * Readable by whom the umask allows.
 */
export async function publishFolder(
  target: string,
  fill: (folder: string) => Promise<void>,
  { replace = false }: { readonly replace?: boolean } = {},
): Promise<void> {
  const parent = dirname(target);
  await mkdir(parent, { recursive: true });
  const temporary = temporaryName(target);
  await mkdir(temporary);
  try {
    await fill(temporary);
    if (replace && (await isFolder(target))) await exchange(temporary, target);
    else await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    const taken = ["ENOTEMPTY", "EEXIST", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "");
    if (replace || !taken || !(await isFolder(target))) throw error;
  }
}

/** Between the two renames nothing is at `target`: there is no call that does both. */
async function exchange(temporary: string, target: string): Promise<void> {
  const former = temporaryName(target);
  await rename(target, former);
  try {
    await rename(temporary, target);
  } catch (error) {
    await rename(former, target);
    throw error;
  }
  await rm(former, { recursive: true, force: true });
}

/** Not `mkdtemp`: that makes a folder which only its owner may enter, and this name is as unlikely to be taken. */
function temporaryName(target: string): string {
  return join(dirname(target), `.${basename(target)}-${randomUUID()}`);
}

/** Removes temporary folders of `target` that a killed process left: those that are so old that nobody fills them any more. */
export async function removeAbandoned(target: string): Promise<void> {
  const parent = dirname(target);
  for (const name of await readdir(parent).catch(() => [])) {
    const own = name.startsWith(`.${basename(target)}-`) && UUID.test(name);
    if (own && (await isAbandoned(join(parent, name)))) await rm(join(parent, name), { recursive: true, force: true });
  }
}

/** Whether a temporary folder is so old that it belongs to nobody who still runs. */
export async function isAbandoned(folder: string): Promise<boolean> {
  const found = await stat(folder).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs > ABANDONED_MS;
}

/** Whether `path` is a folder that can be seen. */
export async function isFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() ?? false;
}
