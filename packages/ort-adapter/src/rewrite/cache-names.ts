import { classifyIo, type KvSizes } from "../onnx/graph/classify-io.ts";
import type { Model } from "../onnx/model.ts";

/** Key or value cache of one layer: its names in the graph, and the sizes that the graph may leave open. */
export interface CacheNames {
  readonly past: string;
  readonly present: string;
  readonly heads: number;
  readonly headDim: number;
}

/** The cache of a decoder, [batch, heads, positions, headDim] each; or why it is none that a rewrite can serve, in words. */
export function cacheNames({ graph }: Model, sizes: KvSizes = {}): readonly CacheNames[] | string {
  const { kv, state } = classifyIo(graph.inputs, graph.outputs);
  if (state[0] !== undefined) return `${state[0]} is state that does not rewind by length`;
  if (kv.length === 0) return "no KV cache of key and value tensors";
  const names: CacheNames[] = [];
  for (const pair of kv) {
    const heads = pair.heads ?? sizes.heads;
    const headDim = pair.headDim ?? sizes.headDim;
    if (pair.present === undefined) return `${pair.past} has no present`;
    if (names.some(({ present }) => present === pair.present)) return `${pair.present} is the present of two pasts`;
    const rank = graph.inputs.find(({ name }) => name === pair.past)?.shape?.length;
    if (rank !== 4) return `${pair.past} is not [batch, heads, positions, headDim]`;
    if (pair.type !== "float32" && pair.type !== "float16") return `${pair.past} is ${pair.type ?? "of no known type"}`;
    if (heads === undefined || headDim === undefined) return `${pair.past} has no fixed size`;
    names.push({ past: pair.past, present: pair.present, heads, headDim });
  }
  return names;
}
