import { InferenceSession, Tensor } from "onnxruntime-node";
import type { Model } from "../onnx/model.ts";
import { encodeModelToBytes } from "../onnx/write/writer.ts";
import type { CacheNames } from "../rewrite/cache-names.ts";
import { PAST_LENGTH, windowOfBias } from "../rewrite/lean-inputs.ts";
import { createGrowingKvCache } from "../runner/cache/growing-kv-cache.ts";
import type { Feeds, Fetches, KvCache } from "../runner/cache/kv-cache.ts";
import { createLeanKvCache } from "../runner/cache/lean-kv-cache.ts";
import type { KvSlot } from "../runner/decoder-io.ts";

/** A model in memory with its cache: what a test needs to compare two graphs of one decoder. */
export interface CachedSession {
  /** Logits of every row, [rows, vocabulary]. */
  forward(tokens: readonly number[]): Promise<Float32Array>;
  readonly cache: KvCache;
  release(): Promise<void>;
}

/** Opens `model` with a cache that grows, or with the lean one where its graph was rewritten. */
export async function openCached(model: Model, names: readonly CacheNames[]): Promise<CachedSession> {
  const session = await InferenceSession.create(encodeModelToBytes(model), {
    logSeverityLevel: 3,
    intraOpNumThreads: 1,
  });
  const inputs = new Set(session.inputNames);
  const slots = names.map(
    ({ past, present, heads, headDim }): KvSlot => ({ past, present, type: "float32", heads, headDim }),
  );
  const windows = session.inputNames.map(windowOfBias).filter((window) => window !== null);
  const pastLength = inputs.has(PAST_LENGTH);
  const lean = pastLength || windows.length > 0;
  const cache = lean
    ? createLeanKvCache({ kv: slots, lean: { pastLength, windows } }, Tensor, { contextLimit: 512, leanChunk: 16 })
    : createGrowingKvCache(slots, Tensor);
  const int64 = (values: readonly number[]) =>
    new Tensor("int64", BigInt64Array.from(values, BigInt), [1, values.length]);
  return {
    cache,
    async forward(tokens) {
      const total = cache.length + tokens.length;
      const feeds: Feeds = { input_ids: int64(tokens) };
      const fetches: Fetches = { logits: null };
      if (inputs.has("attention_mask")) feeds.attention_mask = int64(new Array<number>(total).fill(1));
      if (inputs.has("position_ids")) feeds.position_ids = int64(tokens.map((_, i) => cache.length + i));
      await cache.bind(total, feeds, fetches);
      const results = await session.run(feeds as InferenceSession.FeedsType, fetches as InferenceSession.FetchesType);
      cache.commit(total, results);
      return results.logits!.data as Float32Array;
    },
    async release() {
      cache.release();
      await session.release();
    },
  };
}
