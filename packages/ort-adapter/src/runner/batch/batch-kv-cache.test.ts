import { LEAN_CHUNK } from "@nearfree/core/measure";
import { Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import type { KvSlot } from "../decoder-io.ts";
import { BatchKvCache } from "./batch-kv-cache.ts";

const HEADS = 2;
const SLOT: KvSlot = { past: "past", present: "present", type: "float32", heads: HEADS, headDim: 1 };

/** New rows [sequences, heads, width, 1]: value 100 * sequence + 10 * head + row, and `plus`. */
function news(sequences: number, width: number, plus = 0): Record<string, Tensor> {
  const values = Float32Array.from({ length: sequences * HEADS * width }, (_, at) => {
    const [sequence, head] = [Math.floor(at / (HEADS * width)), Math.floor(at / width) % HEADS];
    return 100 * sequence + 10 * head + (at % width) + plus;
  });
  return { present: new Tensor("float32", values, [sequences, HEADS, width, 1]) };
}

/** What head 1 of a sequence holds. */
function held(cache: BatchKvCache, place: number): number[] {
  const feeds: Record<string, Tensor> = {};
  cache.bind(cache.lengths.length, Math.max(...cache.lengths), feeds as never);
  const { data, dims } = feeds.past!;
  expect(dims).toEqual([cache.lengths.length, HEADS, cache.capacity, 1]);
  const start = (place * HEADS + 1) * cache.capacity;
  return [...(data as Float32Array).slice(start, start + cache.lengths[place]!)];
}

function filled(...lengths: number[]): BatchKvCache {
  const cache = new BatchKvCache([SLOT], Tensor, 1000);
  for (const _ of lengths) cache.add();
  const width = Math.max(...lengths);
  cache.bind(lengths.length, width, {});
  cache.commit(news(lengths.length, width), width, lengths);
  return cache;
}

describe("BatchKvCache", () => {
  it("appends to each sequence as many rows as it brought, whatever the width of the forward", () => {
    const cache = filled(3, 1);
    cache.commit(news(2, 2, 5), 2, [0, 2]);
    expect([held(cache, 0), held(cache, 1)]).toEqual([
      [10, 11, 12],
      [110, 115, 116],
    ]);
  });

  it("keeps what it holds when it grows, in sequences and in positions", () => {
    const cache = filled(3, 2);
    const before = cache.capacity;
    cache.add();
    cache.bind(3, LEAN_CHUNK + 1, {});
    expect(cache.capacity).toBeGreaterThan(before);
    expect([held(cache, 0), held(cache, 1), held(cache, 2)]).toEqual([[10, 11, 12], [110, 111], []]);
  });

  it("moves the last sequence to the place of one that is removed", () => {
    const cache = filled(1, 2, 3);
    cache.remove(0);
    expect(cache.lengths).toEqual([3, 2]);
    expect([held(cache, 0), held(cache, 1)]).toEqual([
      [210, 211, 212],
      [110, 111],
    ]);
    cache.remove(1);
    expect(held(cache, 0)).toEqual([210, 211, 212]);
  });

  it("keeps places of what is behind a position, side by side", () => {
    const cache = filled(1, 6);
    cache.keep(1, 2, [0, 2, 3]);
    expect(held(cache, 1)).toEqual([110, 111, 112, 114, 115]);
    expect(held(cache, 0)).toEqual([10]);
    cache.rewind(1, 1);
    expect(held(cache, 1)).toEqual([110]);
  });

  it("feeds the same memory until it has to grow", () => {
    const cache = filled(3, 2);
    const [first, second]: Record<string, unknown>[] = [{}, {}];
    cache.bind(2, 4, first as never);
    cache.commit(news(2, 1), 1, [1, 1]);
    cache.bind(2, 5, second as never);
    expect(second!.past).toBe(first!.past);
  });
});
