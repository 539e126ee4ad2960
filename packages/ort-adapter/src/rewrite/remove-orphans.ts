import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { isAbandoned, isFolder } from "../onnx/write/publish-folder.ts";
import { linksIn } from "./rewrite-note.ts";

/** Removes from `folder` the rewrites whose weights nobody else links to, and what a killed process left. */
export async function removeOrphans(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    const path = join(folder, name);
    const orphaned = name.startsWith(".") ? await isAbandoned(path) : await hasLostItsModel(path);
    if (orphaned) await rm(path, { recursive: true, force: true }).catch(() => {});
  }
}

async function hasLostItsModel(path: string): Promise<boolean> {
  if (!(await isFolder(path))) return false;
  const links = await linksIn(path).catch(() => []);
  const shared = await Promise.all(links.map(async (link) => (await stat(join(path, link.path))).nlink > 1)).catch(
    () => [true],
  );
  return links.length > 0 && shared.every((each) => !each);
}
