import { LEAN_CHUNK } from "@nearfree/core/measure";
import type { Tensor, TensorConstructor } from "onnxruntime-common";
import type { DecoderIo } from "../decoder-io.ts";
import type { Feeds, Fetches, KvArray, KvCache, Results } from "./kv-cache.ts";
import { kvArray, kvElements, kvTensor } from "./kv-cache.ts";
import { LeanFeeds } from "./lean-feeds.ts";

export interface LeanOptions {
  /** The capacity never exceeds it. */
  readonly contextLimit: number;
  /** Positions by which the capacity grows. Default {@link LEAN_CHUNK}. */
  readonly leanChunk?: number;
}

/**
 * The cache of a graph whose presents are its new rows alone: a forward reads it, and what comes back is copied behind the live
 * positions, rows times heads in all. Rewinding is a shorter length, to wherever and for nothing.
 */
export function createLeanKvCache(
  { kv: slots, lean }: Pick<DecoderIo, "kv" | "lean">,
  TensorClass: TensorConstructor,
  { contextLimit, leanChunk: chunk = LEAN_CHUNK }: LeanOptions,
): KvCache {
  const leanFeeds = new LeanFeeds(lean ?? { pastLength: false, windows: [] }, TensorClass);
  let arrays: KvArray[] = slots.map(({ type }) => kvArray(type, 0)); // Per slot: [heads, capacity, headDim].
  let tensors: Tensor[] = []; // Per slot: a view of its array.
  let capacity = 0;
  let length = 0;

  function resize(next: number): void {
    // All allocations come before anything is given up: a failure leaves the cache as it was.
    const grown = slots.map(({ type, heads, headDim }, i) => {
      const target = kvArray(type, heads * next * headDim);
      for (let head = 0; head < heads; head++) {
        const from = head * capacity * headDim;
        target.set(arrays[i]!.subarray(from, from + length * headDim), head * next * headDim);
      }
      return target;
    });
    tensors = slots.map((slot, i) => kvTensor(TensorClass, slot, grown[i]!, next));
    arrays = grown;
    capacity = next;
  }

  return {
    mode: "lean",
    get length() {
      return length;
    },
    bind(total: number, feeds: Feeds, fetches: Fetches) {
      // Room for what the run returns, and one position at least: ONNX Runtime skips products over nothing.
      if (total > capacity) resize(Math.min(Math.max(contextLimit, total), Math.ceil(total / chunk) * chunk));
      for (let i = 0; i < slots.length; i++) {
        feeds[slots[i]!.past] = tensors[i]!;
        fetches[slots[i]!.present] = null;
      }
      leanFeeds.fill(feeds, length, total - length, capacity);
    },
    commit(total: number, results: Results) {
      const rows = total - length;
      for (let i = 0; i < slots.length; i++) {
        const { present, heads, headDim } = slots[i]!;
        const news = kvElements(results[present] as Tensor);
        const size = rows * headDim;
        const target = arrays[i]!;
        for (let head = 0; head < heads; head++) {
          target.set(news.subarray(head * size, (head + 1) * size), (head * capacity + length) * headDim);
        }
      }
      length = total;
    },
    rewind(to: number) {
      length = to;
    },
    release() {
      arrays = slots.map(({ type }) => kvArray(type, 0));
      tensors = [];
      capacity = 0;
      length = 0;
      leanFeeds.release();
    },
  };
}
