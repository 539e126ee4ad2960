import { link, mkdir, open, realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { externalLocations } from "../onnx/external-locations.ts";
import type { Model } from "../onnx/model.ts";
import type { ModelFiles } from "../onnx/read/byte-source.ts";
import { insideFolder } from "../onnx/read/inside-folder.ts";
import { encodeModelToBytes } from "../onnx/write/writer.ts";
import { withStoredWeights } from "./stored-weights.ts";

/** The graph's file in the folder of a rewrite. */
export const REWRITE_FILE = "nearfree.onnx";

export interface RewriteTarget {
  /** The original's file, and what it was read from. */
  readonly source: string;
  readonly files: ModelFiles;
  /** Must exist. */
  readonly folder: string;
  /** Default {@link REWRITE_FILE}. */
  readonly fileName?: string;
  /** What weights inside the original's file are found under. Default: its name. */
  readonly ownAs?: string;
  /** Files of weights that are in the folder already: by their location. */
  readonly present?: ReadonlySet<string>;
}

/**
 * Writes a rewritten graph into a folder: its large weights stay in the files of the original, which are hard-linked beside it and
 * referred to by offset. ONNX Runtime refuses symbolic links out of the folder.
 *
 * @throws what the file system says: `EXDEV` across file systems, `EPERM` where there are no hard links.
 */
export async function writeRewrite(model: Model, target: RewriteTarget): Promise<string> {
  const { source, files, folder, fileName = REWRITE_FILE, ownAs = basename(source), present } = target;
  const graph = withStoredWeights(model.graph, files, ownAs);
  for (const location of externalLocations(graph)) {
    if (present?.has(location)) continue;
    const inside = insideFolder(source, location);
    const original = location === ownAs ? basename(source) : inside;
    await mkdir(dirname(join(folder, inside)), { recursive: true });
    await link(await realpath(join(dirname(source), original)), join(folder, inside));
  }
  const path = join(folder, fileName);
  const file = await open(path, "wx");
  try {
    await file.writeFile(encodeModelToBytes({ ...model, graph }));
    await file.sync();
  } finally {
    await file.close();
  }
  return path;
}
