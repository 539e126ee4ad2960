import type { Tensor, TensorConstructor } from "onnxruntime-common";
import type { KvSlot } from "../decoder-io.ts";
import { ClippedPresent } from "./clipped-present.ts";
import type { Feeds, Fetches, KvArray, KvCache, Results } from "./kv-cache.ts";
import { kvArray, kvElements, kvPositions, kvTensor } from "./kv-cache.ts";

/**
 * For models whose present holds the last `windows[slot]` positions only (Infinity: all of them). Every position stays here, in memory
 * of its own; a forward is given those of the window, and what it added is taken out of its present. So every rewind is right and free,
 * however deep: the model alone would have lost what a rewind takes back. A forward adds no more positions than the narrowest window keeps.
 */
export function createClippedKvCache(
  slots: readonly KvSlot[],
  TensorClass: TensorConstructor,
  windows: readonly number[],
): KvCache {
  let stores: KvArray[] = slots.map((slot) => kvArray(slot.type, 0)); // Per slot: [heads, capacity, headDim].
  let capacity = 0;
  let length = 0;

  function makeRoom(total: number): void {
    if (total <= capacity) return;
    const next = Math.max(total, 2 * capacity, 64);
    stores = slots.map((slot, i) => {
      const store = kvArray(slot.type, slot.heads * next * slot.headDim);
      copyPositions(slot, stores[i]!, capacity, 0, store, next, 0, length);
      return store;
    });
    capacity = next;
  }

  return {
    mode: "growing",
    rowsAtOnce: Math.min(...windows),
    get length() {
      return length;
    },
    bind(_total: number, feeds: Feeds, fetches: Fetches) {
      slots.forEach((slot, i) => {
        const held = Math.min(length, windows[i]!);
        const past = kvArray(slot.type, slot.heads * held * slot.headDim);
        copyPositions(slot, stores[i]!, capacity, length - held, past, held, 0, held);
        feeds[slot.past] = kvTensor(TensorClass, slot, past, held);
        fetches[slot.present] = null;
      });
    },
    commit(total: number, results: Results) {
      const added = total - length;
      const presents = slots.map((slot) => results[slot.present] as Tensor);
      if (presents.some((tensor) => kvPositions(tensor) < added)) throw new ClippedPresent(slots, presents, total);
      makeRoom(total);
      slots.forEach((slot, i) => {
        const rows = kvPositions(presents[i]!);
        copyPositions(slot, kvElements(presents[i]!), rows, rows - added, stores[i]!, capacity, length, added);
      });
      length = total;
    },
    rewind(to: number) {
      length = to;
    },
    release() {
      stores = slots.map((slot) => kvArray(slot.type, 0));
      capacity = 0;
      length = 0;
    },
  };
}

/** Copies `count` positions of every head, from position `at` of tensors that hold `from` to position `target` of those that hold `to`. */
function copyPositions(
  { heads, headDim }: KvSlot,
  source: KvArray,
  from: number,
  at: number,
  target: KvArray,
  to: number,
  start: number,
  count: number,
): void {
  for (let head = 0; head < heads; head++) {
    const first = (head * from + at) * headDim;
    target.set(source.subarray(first, first + count * headDim), (head * to + start) * headDim);
  }
}
