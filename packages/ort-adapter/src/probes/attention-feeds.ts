import type { Probe } from "@nearfree/core/measure";
import { type CacheKeeping, cacheWork } from "@nearfree/core/principle";
import type { InferenceSession, Tensor, TensorConstructor } from "onnxruntime-common";
import { biasName, PAST_LENGTH, POSITIONS } from "../rewrite/lean-inputs.ts";
import { writeBias } from "../rewrite/write-bias.ts";
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
  /** `in-place`: past and present are the same tensors. */
  readonly kept: CacheKeeping;
  readonly Tensor: TensorConstructor;
}

/** Different rows for each n, gone through in turn: experts are chosen by them. */
const TURNS = 8;

/** What a chain of attentions is fed with: made once for each n and turn, the caches once for all. */
export interface AttentionFeeds {
  /** `turn` from 0 to 7. */
  inputs(n: number, turn: number): InferenceSession.FeedsType;
  /** Every output of a decode step comes back: what the last layer gives, and the caches, or their new rows. */
  readonly outputs: InferenceSession.FetchesType;
}

export function createAttentionFeeds(inputNames: readonly string[], options: AttentionFeedOptions): AttentionFeeds {
  const { layers, heads, kvHeads, headDim, context, kept, Tensor: TensorClass } = options;
  const { width = heads * headDim } = options;
  // Room for the widest forward, which is not given up after it.
  const { capacity } = cacheWork(kept, context, MAX_POSITIONS);
  const caches = new Map<string, Tensor>();
  const outputs: Record<string, Tensor | null> = { y: null };
  for (let layer = 0; layer < layers; layer++) {
    for (const part of ["key", "value"]) {
      const cache = activationTensor(TensorClass, [1, kvHeads, capacity, headDim]);
      caches.set(`past_key_values.${layer}.${part}`, cache);
      outputs[`present.${layer}.${part}`] = kept === "in-place" ? cache : null;
    }
  }
  const int64 = (values: readonly number[], ...dims: number[]) =>
    new TensorClass("int64", BigInt64Array.from(values, BigInt), dims);
  const ones = (count: number) => int64(new Array<number>(count).fill(1), 1, count);
  const bias = (n: number) => {
    const values = new Float32Array(n * (capacity + n));
    writeBias(
      values,
      { length: context, count: n },
      { offset: 0, capacity, width: n, window: Number.POSITIVE_INFINITY },
    );
    return new TensorClass("float32", values, [1, 1, n, capacity + n]);
  };
  /** Of every input that some kind of attention has. */
  const makers: Readonly<Record<string, (n: number) => Tensor>> = {
    kv: (n) => activationTensor(TensorClass, [1, n, kvHeads * headDim]),
    input_ids: ones,
    attention_mask: (n) => ones(context + n),
    [POSITIONS]: (n) =>
      int64(
        Array.from({ length: n }, (_, i) => context + i),
        1,
        n,
      ),
    [PAST_LENGTH]: () => int64([context], 1),
    [biasName(undefined)]: bias,
  };
  const shared = new Map<number, InferenceSession.FeedsType>();
  const rows = new Map<string, Tensor>();
  const sharedOf = (n: number): InferenceSession.FeedsType =>
    Object.fromEntries(
      inputNames.flatMap((name) => {
        const tensor = caches.get(name) ?? makers[name]?.(n);
        return tensor === undefined ? [] : [[name, tensor] as const];
      }),
    );
  return {
    inputs(n, turn) {
      const key = `${n} ${turn}`;
      const x = rows.get(key) ?? activationTensor(TensorClass, [1, n, width], turn);
      const others = shared.get(n) ?? sharedOf(n);
      rows.set(key, x);
      shared.set(n, others);
      return { ...others, x };
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
