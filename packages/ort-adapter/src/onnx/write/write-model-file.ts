import { type FileHandle, open } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Model, Tensor } from "../model.ts";
import { tensorBytes, tensorData } from "./encode.ts";
import { encodeModel } from "./writer.ts";

/** Above this, weights go to a second file: protobuf ends at 2 GB, and ONNX Runtime maps external data into memory. */
export const EXTERNAL_DATA_ABOVE_BYTES = 2 ** 30;

/** Tensors below this stay in the model file. */
const INLINE_BELOW_BYTES = 1024;

/** Start of each external tensor: the mapping granularity of every platform divides it. */
const ALIGNMENT_BYTES = 65_536;

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
  await withFile(path, async (file) => {
    for (const chunk of encodeModel(written)) await writeAll(file, chunk);
  });
}

/** Writes the large tensors beside the model and returns the model that refers to them. */
async function writeExternalData(path: string, model: Model): Promise<Model> {
  const location = `${basename(path)}_data`;
  const initializers: Tensor[] = [];
  await withFile(join(dirname(path), location), async (file) => {
    let end = 0;
    for (const tensor of model.graph.initializers) {
      const length = tensorBytes(tensor);
      if (length < INLINE_BELOW_BYTES) {
        initializers.push(tensor);
        continue;
      }
      const offset = Math.ceil(end / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
      await writeAll(file, tensorData(tensor), offset);
      end = offset + length;
      initializers.push({ ...tensor, data: undefined, make: undefined, stored: { location, offset, length } });
    }
  });
  return { ...model, graph: { ...model.graph, initializers } };
}

async function withFile(path: string, use: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, "w");
  try {
    await use(file);
  } finally {
    await file.close();
  }
}

/** Writes every byte, at `position` or where the last write ended; one write call may take fewer than asked. */
async function writeAll(file: FileHandle, bytes: Uint8Array, position?: number): Promise<void> {
  let done = 0;
  while (done < bytes.byteLength) {
    const at = position === undefined ? null : position + done;
    done += (await file.write(bytes, done, bytes.byteLength - done, at)).bytesWritten;
  }
}
