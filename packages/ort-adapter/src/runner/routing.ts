import type { Tensor, TensorConstructor } from "onnxruntime-common";
import type { KvSizes } from "../onnx/graph/classify-io.ts";
import type { Router } from "../onnx/write/routers.ts";
import { requireOptions } from "../require-options.ts";
import type { RunnableSession } from "./decoder-pass.ts";
import { resolveIo, type SessionIo } from "./io-names.ts";
import type { IoTemplates } from "./io-templates.ts";
import { Sequences } from "./sequences.ts";
import { firstRun } from "./trial/first-run.ts";

export interface ReadRoutingOptions {
  /** The `Tensor` class of the runtime that made the session. */
  readonly Tensor: TensorConstructor;
  /** Tokens of real text, read in by one forward on an empty cache. */
  readonly tokens: ArrayLike<number>;
  /** Names where they are not those of transformers.js, optimum and onnxruntime-genai. */
  readonly ioNames?: Partial<IoTemplates>;
  /** Sizes of the KV cache, where the session's metadata has symbols and a file beside the model tells. */
  readonly kvSizes?: KvSizes | undefined;
}

/**
 * The experts that every position of a text goes to: for each router the ids, row-major [positions, active]. The session's outputs
 * must have the routers' scores among them.
 *
 * @throws NearfreeError `unsupported-model` as `createSessionRunner` does, `invalid-argument` for what is missing, `run-failed`.
 */
export async function readRouting(
  session: SessionIo & RunnableSession,
  routers: readonly Router[],
  options: ReadRoutingOptions,
): Promise<Int32Array[]> {
  requireOptions({ session, routers, options });
  const { Tensor: TensorClass, tokens, ioNames, kvSizes } = options;
  const { inputMetadata, outputMetadata } = session;
  requireOptions({ inputMetadata, outputMetadata, Tensor: TensorClass, tokens });
  const { io } = await firstRun(session, resolveIo(session, ioNames), TensorClass, { sizes: kvSizes });
  const sequences = new Sequences(session, io, TensorClass, { batch: 1, tokens });
  const names = routers.map(({ scores }) => scores);
  const results = await sequences.values(names, tokens.length);
  return routers.map(({ scores, active }) => {
    const { dims } = results[scores] as Tensor;
    return highest(sequences.floats(results[scores] as Tensor), dims.at(-1)!, active);
  });
}

/** Columns of the `count` highest values of each row, row-major [rows, count]; the earlier of equal ones. */
function highest(values: Float32Array, columns: number, count: number): Int32Array {
  const rows = values.length / columns;
  const out = new Int32Array(rows * count);
  for (let row = 0; row < rows; row++) {
    const at = row * columns;
    const order = Array.from({ length: columns }, (_, i) => i).sort((a, b) => values[at + b]! - values[at + a]!);
    out.set(order.slice(0, count), row * count);
  }
  return out;
}
