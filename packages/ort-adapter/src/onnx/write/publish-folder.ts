import { randomUUID } from "node:crypto";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/**
 * Makes the folder `target` appear whole or not at all: `fill` writes into a temporary folder beside it, which is then
 * renamed. Where another process published the same folder meanwhile, theirs stays. Readable by whom the umask allows.
 */
export async function publishFolder(target: string, fill: (folder: string) => Promise<void>): Promise<void> {
  const parent = dirname(target);
  await mkdir(parent, { recursive: true });
  // Not `mkdtemp`: that makes a folder which only its owner may enter, and the name below is as unlikely to be taken.
  const temporary = join(parent, `.${basename(target)}-${randomUUID()}`);
  await mkdir(temporary);
  try {
    await fill(temporary);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    const taken = ["ENOTEMPTY", "EEXIST", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "");
    if (!taken || !(await isFolder(target))) throw error;
  }
}

/** Whether `path` is a folder that can be seen. */
export async function isFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() ?? false;
}
