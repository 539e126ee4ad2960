import { basename, dirname, resolve } from "node:path";
import { stringIn } from "./json-file.ts";
import type { ModelFolder } from "./model-folder.ts";

/** Names of folders that say how a model is stored, not which it is; and revisions, as caches of downloads name them. */
const NO_NAME =
  /^(|onnx|models?|exports?|snapshots|blobs|main|out|output|dist|tmp|temp|cpu|cuda|gpu|webgpu|mobile|fp32|fp16|int4|int8|q4|q4f16|q8|\.cache|[0-9a-f]{8,64})$/i;
/** Names of files that every export uses. What follows them, `q4` of model_q4, is kept. */
const ANY_MODEL = /^(decoder_)?(model|decoder)(_merged|_with_past)*(?=[_.-]|$)[_.-]?/i;
/** What a hash of its content adds to a folder's name. */
const CONTENT_HASH = /-(?=[0-9a-f]*[0-9])[0-9a-f]{12,64}$/;
/** More is no name. */
const MOST_CHARACTERS = 80;

/**
 * What people call the model: the name of its folder; where that names none, the last part of `_name_or_path` in config.json, or the
 * nearest folder above that has a name. What the file's own name adds follows: `model_q4.onnx` in `Llama-3.2-1B` is `Llama-3.2-1B-q4`.
 * Never a path; undefined where nothing has a name.
 */
export function modelLabel({
  modelPath,
  folder,
  config,
}: Pick<ModelFolder, "modelPath" | "folder" | "config">): string | undefined {
  const stem = basename(modelPath, ".onnx");
  const own = stem.replace(ANY_MODEL, "");
  const named = nameOf(basename(resolve(folder))) ?? nameOf(lastPart(config && stringIn(config, "_name_or_path")));
  // A file of a name of its own, in a folder without a configuration, is one of many: the folder says nothing of it.
  if (config === undefined && own === stem) return printable(own) || named;
  const base = named ?? nameAbove(dirname(resolve(folder)));
  if (base === undefined) return printable(own) || undefined;
  return own === "" || base.toLowerCase().includes(own.toLowerCase()) ? base : printable(`${base}-${own}`);
}

function nameOf(name: string | undefined): string | undefined {
  // As the cache of a hub writes owner and name.
  const last = name?.split("--").at(-1)?.replace(CONTENT_HASH, "") ?? "";
  return NO_NAME.test(last) ? undefined : printable(last) || undefined;
}

function nameAbove(folder: string): string | undefined {
  // Farther up stand homes and disks, whose names are nobody's business.
  return nameOf(basename(folder)) ?? nameOf(basename(dirname(folder)));
}

function lastPart(path: string | undefined): string | undefined {
  return path
    ?.split(/[/\\]/)
    .filter((part) => part !== "")
    .at(-1);
}

/** On one line, and short. */
function printable(name: string): string {
  return name
    .replace(/[\p{C}\s/\\]+/gu, " ")
    .trim()
    .slice(0, MOST_CHARACTERS)
    .trim();
}
