import type { Probe } from "@nearfree/core/measure";
import type { InferenceSession, Tensor, TensorConstructor } from "onnxruntime-common";
import { activationTensor } from "./activation-tensor.ts";
import { MAX_POSITIONS, type SignatureSession } from "./probe-session.ts";

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

/** Different rows for each n, gone through in turn: experts are chosen by them. */
const TURNS = 8;

/** What a chain of attentions is fed with: made once for each n and turn, the caches once for all. */
export interface AttentionFeeds {
  /** `turn` from 0 to 7. */
  inputs(n: number, turn: number): InferenceSession.FeedsType;
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
      const cache = activationTensor(TensorClass, [1, kvHeads, length, headDim]);
      caches.set(`past_key_values.${layer}.${part}`, cache);
      outputs[`present.${layer}.${part}`] = inPlace ? cache : null;
    }
  }
  const made = new Map<string, InferenceSession.FeedsType>();
  const ones = (count: number) => new TensorClass("int64", new BigInt64Array(count).fill(1n), [1, count]);
  const make = (n: number, turn: number): InferenceSession.FeedsType => {
    const all: InferenceSession.FeedsType = {
      x: activationTensor(TensorClass, [1, n, width], turn),
      kv: activationTensor(TensorClass, [1, n, kvHeads * headDim]),
      input_ids: ones(n),
      attention_mask: ones(context + n),
      ...Object.fromEntries(caches),
    };
    // Which of the masks and lengths a graph reads depends on the kind of attention.
    return Object.fromEntries(Object.entries(all).filter(([name]) => inputNames.includes(name)));
  };
  return {
    inputs(n, turn) {
      const key = `${n} ${turn}`;
      const feeds = made.get(key) ?? make(n, turn);
      made.set(key, feeds);
      return feeds;
    },
    outputs: outputs as InferenceSession.FetchesType,
  };
}

/** A session of attentions, or of other modules, fed so. */
export function attentionProbe(session: SignatureSession, feeds: AttentionFeeds): Probe {
  let turn = 0;
  let input: InferenceSession.FeedsType = {};
  return {
    maxPositions: MAX_POSITIONS,
    prepare: (n) => {
      input = feeds.inputs(n, turn);
      turn = (turn + 1) % TURNS;
    },
    run: async () => {
      await session.run(input, feeds.outputs);
    },
  };
}
