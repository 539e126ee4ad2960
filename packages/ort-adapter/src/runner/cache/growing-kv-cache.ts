import type { Tensor, TensorConstructor } from "onnxruntime-common";
import type { KvSlot } from "../decoder-io.ts";
import { freeOnDevice, onDevice, readBack } from "../device-tensor.ts";
import { keepAsBits } from "../half-bits.ts";
import { ClippedPresent } from "./clipped-present.ts";
import type { Feeds, Fetches, KvCache, Results } from "./kv-cache.ts";
import { kvArray, kvElements, kvPositions, kvTensor } from "./kv-cache.ts";

/**
 * Each forward returns a new present, which becomes the next past. Right for every model with a KV cache.
 *
 * Rewinding is lazy: the live prefix of each head is packed at the next forward, so that several rewinds cost one. A rewind to where
 * the last forward began, or before, takes the old past back.
 *
 * Presents may stay on a device between forwards (`preferredOutputLocation`): they are then fed as they are, read back only to be
 * packed, and freed as soon as no rewind can lead to them.
 */
export function createGrowingKvCache(slots: readonly KvSlot[], TensorClass: TensorConstructor): KvCache {
  const empty = slots.map((slot) => kvTensor(TensorClass, slot, kvArray(slot.type, 0), 0));
  let past: readonly Tensor[] = empty;
  let pastLength = 0; // Positions in the tensors of `past`, >= length.
  let before: readonly Tensor[] = empty; // The past that the last forward was given.
  let beforeLength = 0;
  let length = 0;

  function feed(feeds: Feeds, fetches: Fetches): void {
    // What `before` held is given up here, so that a run never has three generations in memory.
    if (before !== past) freeOnDevice(before);
    before = past;
    beforeLength = pastLength;
    for (let i = 0; i < slots.length; i++) {
      feeds[slots[i]!.past] = past[i]!;
      fetches[slots[i]!.present] = null;
    }
  }

  function packAndFeed(feeds: Feeds, fetches: Fetches): void {
    past = past.map((tensor, i) => pack(TensorClass, slots[i]!, tensor, pastLength, length));
    pastLength = length;
    feed(feeds, fetches);
  }

  function dropPast(next: readonly Tensor[]): void {
    if (past !== before && past !== next) freeOnDevice(past);
    past = next;
  }

  return {
    mode: "growing",
    get length() {
      return length;
    },
    bind(_total: number, feeds: Feeds, fetches: Fetches) {
      if (pastLength === length) return feed(feeds, fetches);
      if (!past.some(onDevice)) return packAndFeed(feeds, fetches);
      const reads = past.map((tensor, i) => readBack(slots[i]!.present, tensor));
      return Promise.all(reads).then(() => packAndFeed(feeds, fetches));
    },
    commit(total: number, results: Results) {
      const present = slots.map((slot) => results[slot.present] as Tensor);
      if (present.some((tensor) => kvPositions(tensor) !== total)) throw new ClippedPresent(slots, present, total);
      past = present.map(keepAsBits);
      pastLength = total;
      length = total;
    },
    rewind(to: number) {
      length = to;
      if (to === 0) {
        dropPast(empty);
        pastLength = 0;
      } else if (to <= beforeLength) {
        dropPast(before);
        pastLength = beforeLength;
      }
    },
    release() {
      dropPast(empty);
      freeOnDevice(before);
      before = empty;
      pastLength = 0;
      beforeLength = 0;
      length = 0;
    },
  };
}

/** Moves the first `to` of `from` positions of every head together, within the tensor's own memory. */
function pack(TensorClass: TensorConstructor, slot: KvSlot, tensor: Tensor, from: number, to: number): Tensor {
  const { heads, headDim } = slot;
  const data = kvElements(tensor);
  for (let head = 1; head < heads; head++) {
    const start = head * from * headDim;
    data.copyWithin(head * to * headDim, start, start + to * headDim);
  }
  return kvTensor(TensorClass, slot, data.subarray(0, heads * to * headDim), to);
}
