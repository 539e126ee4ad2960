import type { Tensor, TensorConstructor } from "onnxruntime-common";
import type { KvSlot } from "../decoder-io.ts";
import type { Feeds, Fetches, KvArray, KvCache } from "./kv-cache.ts";
import { kvArray, kvTensor } from "./kv-cache.ts";

/**
 * Positions by which the capacity grows. onnxruntime-node copies every fetched output, so a step pays for chunk / 2 unused positions on
 * average, and for length / chunk moved ones: least at chunk = sqrt(2 * length), 20 to 45 for 200 to 1,000 positions.
 */
export const DEFAULT_KV_CHUNK = 32;

/** Unused positions that are kept rather than given up, so that a sequence which comes and goes does not move its heads each time. */
const SLACK = 256;

export interface InPlaceOptions {
  readonly chunk: number;
  /** The capacity never exceeds it, but for `leastCapacity`. */
  readonly contextLimit: number;
  /** Capacity from the first forward on: a kernel with a sliding window wants that of its window. Default 0. */
  readonly leastCapacity?: number;
}

/**
 * Past and present are the same memory: the kernel writes new positions behind the old ones (GroupQueryAttention), and rewinding is a
 * shorter length. The tensors have `capacity` positions, of which the first `length` are live.
 */
export function createInPlaceKvCache(
  slots: readonly KvSlot[],
  TensorClass: TensorConstructor,
  { chunk, contextLimit, leastCapacity = 0 }: InPlaceOptions,
): KvCache {
  let backing: KvArray[] = []; // Per slot: at least heads * capacity * headDim elements.
  let tensors: Tensor[] = []; // Per slot: a view [1, heads, capacity, headDim] of its backing.
  let backed = 0; // Positions that a backing can hold.
  let capacity = 0;
  let length = 0;

  function resize(next: number): void {
    const room = next > backed ? Math.max(next, Math.min(contextLimit, 2 * backed)) : backed;
    // All allocations come before the first move: a failure leaves the cache as it was.
    const target = slots.map((slot, i) =>
      room === backed ? backing[i]! : kvArray(slot.type, slot.heads * room * slot.headDim),
    );
    tensors = slots.map((slot, i) => {
      const { heads, headDim } = slot;
      const data = target[i]!;
      moveHeads(backing[i] ?? data, data, heads, capacity * headDim, next * headDim, length * headDim);
      return kvTensor(TensorClass, slot, data.subarray(0, heads * next * headDim), next);
    });
    backing = target;
    backed = room;
    capacity = next;
  }

  return {
    mode: "in-place",
    get length() {
      return length;
    },
    bind(total: number, feeds: Feeds, fetches: Fetches) {
      const fitting = Math.max(leastCapacity, Math.min(contextLimit, Math.ceil(total / chunk) * chunk));
      if (total > capacity || capacity > fitting + SLACK) resize(fitting);
      for (let i = 0; i < slots.length; i++) {
        feeds[slots[i]!.past] = tensors[i]!;
        fetches[slots[i]!.present] = tensors[i]!;
      }
    },
    commit(total: number) {
      length = total;
    },
    rewind(to: number) {
      length = to;
    },
    release() {
      backing = [];
      tensors = [];
      backed = 0;
      capacity = 0;
      length = 0;
    },
  };
}

/** Copies `live` elements of every head from stride `from` to stride `to`; `source` and `target` may be the same array. */
function moveHeads(source: KvArray, target: KvArray, heads: number, from: number, to: number, live: number): void {
  if (live === 0) return;
  for (let i = 0; i < heads; i++) {
    // Towards a wider stride the last head moves first, so that none is overwritten before it has moved.
    const head = to > from ? heads - 1 - i : i;
    if (source === target) target.copyWithin(head * to, head * from, head * from + live);
    else target.set(source.subarray(head * from, head * from + live), head * to);
  }
}
