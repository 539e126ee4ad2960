import { open } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Model, Tensor } from "../model.ts";
import { DataFile, INLINE_BELOW_BYTES } from "./data-file.ts";
import { tensorBytes, tensorData } from "./encode.ts";
import { writeAll } from "./write-all.ts";
import { encodeModel } from "./writer.ts";

/** Above this, weights go to a second file: protobuf ends at 2 GB, and ONNX Runtime maps external data into memory. */
export const EXTERNAL_DATA_ABOVE_BYTES = 2 ** 30;

export interface WriteModelOptions {
  /** Total bytes of weights from which on they are written to `<file>_data`. Default EXTERNAL_DATA_ABOVE_BYTES. */
  readonly externalDataAboveBytes?: number;
}

/**
 * Writes a model to `path`, weights to `<path>_data` where they are many. Streams: the peak of memory is one tensor above
 * what the model itself holds.
 */
export async function writeModelFile(path: string, model: Model, options: WriteModelOptions = {}): Promise<void> {
  const { externalDataAboveBytes = EXTERNAL_DATA_ABOVE_BYTES } = options;
  const weightBytes = model.graph.initializers.reduce((sum, tensor) => sum + tensorBytes(tensor), 0);
  const written = weightBytes > externalDataAboveBytes ? await writeExternalData(path, model) : model;
  const file = await open(path, "w");
  try {
    for (const chunk of encodeModel(written)) await writeAll(file, chunk);
  } finally {
    await file.close();
  }
}

/** Writes the large tensors beside the model and returns the model that refers to them. */
async function writeExternalData(path: string, model: Model): Promise<Model> {
  const initializers = await DataFile.write(join(dirname(path), `${basename(path)}_data`), async (data) => {
    const written: Tensor[] = [];
    for (const tensor of model.graph.initializers) {
      if (tensorBytes(tensor) < INLINE_BELOW_BYTES) written.push(tensor);
      else
        written.push({ ...tensor, data: undefined, make: undefined, stored: await data.append([tensorData(tensor)]) });
    }
    return written;
  });
  return { ...model, graph: { ...model.graph, initializers } };
}
