import { isAbsolute, normalize, sep } from "node:path";
import { invalidModel } from "../invalid-model.ts";

/**
 * `location` as a path below the folder of the file that names it. Symbolic links are followed later (download caches are
 * made of them), so only the written path is judged.
 * @throws NearfreeError `invalid-model` where it leaves the folder; `file` is who names it.
 */
export function insideFolder(file: string, location: string): string {
  const path = normalize(location);
  if (isAbsolute(path) || path === ".." || path.startsWith(`..${sep}`) || location.includes("\0")) {
    throw invalidModel(file, {
      expected: "paths inside the model's folder",
      received: `the path ${JSON.stringify(location.slice(0, 200))}`,
      remedy: "export the model again with its data beside it",
    });
  }
  return path;
}
