import { throwIfAborted } from "@nearfree/core/measure";
import type { Model, StoredData, Tensor } from "../../onnx/model.ts";
import type { ModelFiles } from "../../onnx/read/byte-source.ts";
import type { DataFile } from "../../onnx/write/data-file.ts";

/** Bytes that are in memory at a time. */
const PIECE_BYTES = 2 ** 24;

/** Copies every large weight that is not in `data` yet to it; the model that then refers to that file alone. */
export async function copyWeights(
  model: Model,
  files: ModelFiles,
  data: DataFile,
  signal?: AbortSignal,
): Promise<Model> {
  const initializers: Tensor[] = [];
  for (const tensor of model.graph.initializers) {
    throwIfAborted(signal, "copying weights");
    const { stored } = tensor;
    const stays = tensor.data !== undefined || stored === undefined || data.holds(stored);
    initializers.push(stays ? tensor : { ...tensor, stored: await data.append(pieces(files, stored)) });
  }
  return { ...model, graph: { ...model.graph, initializers } };
}

function* pieces(files: ModelFiles, { location, offset, length }: StoredData): Generator<Uint8Array> {
  const source = location === undefined ? files.model : files.external!(location);
  for (let at = 0; at < length; at += PIECE_BYTES) yield source.read(offset + at, Math.min(PIECE_BYTES, length - at));
}
