import type { Tensor, TensorConstructor } from "onnxruntime-common";
import type { KvSlot } from "../decoder-io.ts";
import type { Feeds, Fetches, KvArray, KvCache } from "./kv-cache.ts";
import { kvArray, kvElements, kvPositions, kvTensor } from "./kv-cache.ts";

/** Positions of a cache, per slot [heads, count, headDim]. */
export interface KvSample {
  readonly count: number;
  readonly values: readonly KvArray[];
}

/** A copy of what the cache holds; its tensors must be on the CPU. */
export async function sampleKvCache(cache: KvCache, slots: readonly KvSlot[]): Promise<KvSample> {
  const feeds: Feeds = {};
  const count = cache.length;
  await cache.bind(count, feeds, {});
  const values = slots.map((slot) => {
    const past = feeds[slot.past] as Tensor;
    const copy = kvArray(slot.type, slot.heads * count * slot.headDim);
    spread(slot, kvElements(past), kvPositions(past), count, copy, count, count);
    return copy;
  });
  return { count, values };
}

/** A position of zeros. */
export function zeroSample(slots: readonly KvSlot[]): KvSample {
  return { count: 1, values: slots.map(({ type, heads, headDim }) => kvArray(type, heads * headDim)) };
}

/** Fills an empty cache with `length` positions, those of the sample over and over: a long past without a forward. */
export async function seedKvCache(
  cache: KvCache,
  slots: readonly KvSlot[],
  TensorClass: TensorConstructor,
  { count, values }: KvSample,
  length: number,
): Promise<void> {
  const fetches: Fetches = {};
  await cache.bind(length, {}, fetches);
  const results: Record<string, Tensor> = {};
  slots.forEach((slot, i) => {
    const shared = fetches[slot.present] as Tensor | null;
    const target = shared ? kvElements(shared) : kvArray(slot.type, slot.heads * length * slot.headDim);
    spread(slot, values[i]!, count, count, target, shared ? kvPositions(shared) : length, length);
    results[slot.present] = shared ?? kvTensor(TensorClass, slot, target as KvArray, length);
  });
  cache.commit(length, results);
}

/** Fills the first `length` positions of every head in `target` with the first `count` of `source`, over and over. */
function spread(
  { heads, headDim }: KvSlot,
  source: KvArray,
  sourcePositions: number,
  count: number,
  target: KvArray,
  targetPositions: number,
  length: number,
): void {
  for (let head = 0; head < heads; head++) {
    for (let position = 0; position < length; position++) {
      const from = (head * sourcePositions + (position % count)) * headDim;
      target.set(source.subarray(from, from + headDim), (head * targetPositions + position) * headDim);
    }
  }
}
