import type { Probe } from "@nearfree/core";
import type { InferenceSession, Tensor, TensorConstructor } from "onnxruntime-common";
import { MAX_POSITIONS, type SignatureSession } from "./probe-session.ts";
import { waveTensor } from "./wave-tensor.ts";

export interface AttentionFeedOptions {
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Width of `x`. Default: that of the queries. */
  readonly width?: number;
  /** Positions in the caches before a forward. */
  readonly context: number;
  /** Past and present are the same tensors, as long as a forward of `MAX_POSITIONS` needs. */
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
  const { layers, heads, kvHeads, headDim, context, inPlace, Tensor: TensorClass } = options;
  const { width = heads * headDim } = options;
  const length = context + (inPlace ? MAX_POSITIONS : 0);
  const caches = new Map<string, Tensor>();
  const outputs: Record<string, Tensor | null> = { y: null };
  for (let layer = 0; layer < layers; layer++) {
    for (const part of ["key", "value"]) {
      const cache = waveTensor(TensorClass, [1, kvHeads, length, headDim]);
      caches.set(`past_key_values.${layer}.${part}`, cache);
      outputs[`present.${layer}.${part}`] = inPlace ? cache : null;
    }
  }
  const made = new Map<number, InferenceSession.FeedsType>();
  const ones = (count: number) => new TensorClass("int64", new BigInt64Array(count).fill(1n), [1, count]);
  const make = (n: number): InferenceSession.FeedsType => {
    const all: InferenceSession.FeedsType = {
      x: waveTensor(TensorClass, [1, n, width]),
      kv: waveTensor(TensorClass, [1, n, kvHeads * headDim]),
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

/** A session of attentions, fed so. */
export function attentionProbe(session: SignatureSession, feeds: AttentionFeeds): Probe {
  return {
    maxPositions: MAX_POSITIONS,
    prepare: (n) => void feeds.inputs(n),
    run: async (n) => {
      await session.run(feeds.inputs(n), feeds.outputs);
    },
  };
}
