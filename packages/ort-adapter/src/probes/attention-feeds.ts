import type { InferenceSession, Tensor, TensorConstructor } from "onnxruntime-common";

export interface AttentionFeedOptions {
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Width of `x`. Default: that of the queries. */
  readonly width?: number;
  /** Positions in the caches before a forward. */
  readonly context: number;
  readonly maxPositions: number;
  /** Past and present are the same tensors, as long as the longest forward needs. */
  readonly inPlace: boolean;
  readonly Tensor: TensorConstructor;
}

/** What a chain of attentions is fed with: made once for each n, the caches once for all. */
export interface AttentionFeeds {
  inputs(n: number): InferenceSession.FeedsType;
  /** Every output of a decode step comes back: what the last layer gives, and the caches. */
  readonly outputs: InferenceSession.FetchesType;
}

export function createAttentionFeeds(inputNames: readonly string[], options: AttentionFeedOptions): AttentionFeeds {
  const { layers, heads, kvHeads, headDim, context, maxPositions, inPlace, Tensor: TensorClass } = options;
  const { width = heads * headDim } = options;
  const length = context + (inPlace ? maxPositions : 0);
  const caches = new Map<string, Tensor>();
  const outputs: Record<string, Tensor | null> = { y: null };
  for (let layer = 0; layer < layers; layer++) {
    for (const part of ["key", "value"]) {
      const cache = floats(TensorClass, [1, kvHeads, length, headDim]);
      caches.set(`past_key_values.${layer}.${part}`, cache);
      outputs[`present.${layer}.${part}`] = inPlace ? cache : null;
    }
  }
  const made = new Map<number, InferenceSession.FeedsType>();
  const ones = (count: number) => new TensorClass("int64", new BigInt64Array(count).fill(1n), [1, count]);
  const make = (n: number): InferenceSession.FeedsType => {
    const all: InferenceSession.FeedsType = {
      x: floats(TensorClass, [1, n, width]),
      kv: floats(TensorClass, [1, n, kvHeads * headDim]),
      input_ids: ones(n),
      attention_mask: ones(context + n),
      ...Object.fromEntries(caches),
    };
    // Which of the masks and lengths a graph reads depends on the kind of attention.
    return Object.fromEntries(Object.entries(all).filter(([name]) => inputNames.includes(name)));
  };
  return {
    inputs(n) {
      const feeds = made.get(n) ?? make(n);
      made.set(n, feeds);
      return feeds;
    },
    outputs: outputs as InferenceSession.FetchesType,
  };
}

function floats(TensorClass: TensorConstructor, dims: readonly number[]): Tensor {
  const length = dims.reduce((a, b) => a * b, 1);
  const values = Float32Array.from({ length }, (_, i) => Math.sin(1.7 * i));
  return new TensorClass("float32", values, dims);
}
