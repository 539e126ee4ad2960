import { appendFile, constants, copyFile, link, mkdir, realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import { externalLocations } from "../external-locations.ts";
import type { Model } from "../model.ts";
import { openModelFiles } from "../read/file-source.ts";
import { insideFolder } from "../read/inside-folder.ts";
import { readModel } from "../read/reader.ts";
import { encodeMoreOutputs, findRouters, type Router } from "./routers.ts";

/** A model with the scores of its routers among its outputs. */
export interface RoutedCopy {
  readonly path: string;
  /** In graph order, at least one. */
  readonly routers: readonly Router[];
}

/**
 * Copies the model at `path` into `folder` and makes the scores of its routers outputs of the copy; external weights are linked, or
 * copied from another file system. Undefined, and nothing written, for a model without fused mixtures of experts.
 *
 * @throws NearfreeError `missing-file`, `invalid-model`. What the file system says where the copy cannot be written passes through.
 */
export async function writeRoutedCopy(path: string, folder: string): Promise<RoutedCopy | undefined> {
  const model = readGraphOf(path);
  const routers = findRouters(model);
  if (routers.length === 0) return undefined;
  const copy = join(folder, "model.onnx");
  await copyFile(path, copy, constants.COPYFILE_FICLONE);
  await appendFile(copy, encodeMoreOutputs(routers.map(({ scores }) => scores)));
  for (const location of externalLocations(model.graph)) {
    const inside = insideFolder(path, location);
    await mkdir(dirname(join(folder, inside)), { recursive: true });
    await linkOrCopy(join(dirname(path), inside), join(folder, inside));
  }
  return { path: copy, routers };
}

/** A hard link: ONNX Runtime refuses external data that a symbolic one leads out of the model's folder. */
async function linkOrCopy(from: string, to: string): Promise<void> {
  const file = await realpath(from);
  // No file system but its own takes a link, and some take none.
  await link(file, to).catch(() => copyFile(file, to, constants.COPYFILE_FICLONE));
}

function readGraphOf(path: string): Model {
  const files = openModelFiles(path);
  try {
    return readModel(files);
  } finally {
    files.close();
  }
}
