import { LEAN_CHUNK } from "@nearfree/core/measure";
import { Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import type { KvSlot } from "../decoder-io.ts";
import type { Feeds, Fetches } from "./kv-cache.ts";
import { createLeanKvCache } from "./lean-kv-cache.ts";

const SLOTS: readonly KvSlot[] = [
  { past: "past.k", present: "present.k", type: "float32", heads: 2, headDim: 3 },
  { past: "past.v", present: "present.v", type: "float32", heads: 1, headDim: 2 },
];

function open(contextLimit: number, leanChunk?: number) {
  const io = { kv: SLOTS, lean: { pastLength: true, windows: [] } };
  const cache = createLeanKvCache(io, Tensor, { contextLimit, ...(leanChunk !== undefined && { leanChunk }) });
  const feeds: Feeds = {};
  /** Appends rows whose every element is 100 * slot + 10 * head + the position that it stands for. */
  const append = async (rows: number) => {
    const from = cache.length;
    const fetches: Fetches = {};
    await cache.bind(from + rows, feeds, fetches);
    const results = SLOTS.map(({ present, heads, headDim }, slot) => {
      const data = Float32Array.from({ length: heads * rows * headDim }, (_, i) => {
        const [head, row] = [Math.floor(i / (rows * headDim)), Math.floor(i / headDim) % rows];
        return 100 * slot + 10 * head + from + row;
      });
      return [present, new Tensor("float32", data, [1, heads, rows, headDim])] as const;
    });
    cache.commit(from + rows, Object.fromEntries(results));
    return fetches;
  };
  /** First channel of every live position of a slot's head. */
  const held = async (slot: number, head: number) => {
    await cache.bind(cache.length, feeds, {});
    const { data, dims } = feeds[SLOTS[slot]!.past] as Tensor;
    const [, , capacity = 0, headDim = 0] = dims;
    return Array.from({ length: cache.length }, (_, i) => (data as Float32Array)[(head * capacity + i) * headDim]);
  };
  const capacity = () => (feeds["past.k"] as Tensor).dims[2];
  return { cache, append, held, capacity, feeds };
}

describe("createLeanKvCache", () => {
  it("puts what comes back behind the live positions, head by head", async () => {
    const { cache, append, held } = open(64, 4);
    for (const rows of [3, 1, 2]) await append(rows);
    expect(cache.length).toBe(6);
    expect(await held(0, 0)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(await held(0, 1)).toEqual([10, 11, 12, 13, 14, 15]);
    expect(await held(1, 0)).toEqual([100, 101, 102, 103, 104, 105]);
  });

  it("asks for new memory of every present, and feeds the same past while it has room", async () => {
    const { append, feeds } = open(64, 4);
    expect(await append(1)).toEqual({ "present.k": null, "present.v": null });
    const before = feeds["past.k"];
    for (let i = 0; i < 3; i++) await append(1);
    expect(feeds["past.k"]).toBe(before);
    await append(1);
    expect(feeds["past.k"]).not.toBe(before);
  });

  it("grows by chunks, never beyond the context, and never has none", async () => {
    const { append, capacity } = open(10, 4);
    const seen: (number | undefined)[] = [];
    for (const rows of [1, 3, 1, 4, 1]) {
      await append(rows);
      seen.push(capacity());
    }
    expect(seen).toEqual([4, 4, 8, 10, 10]);
    const usual = open(4096);
    await usual.append(1);
    expect(usual.capacity()).toBe(LEAN_CHUNK);
  });

  it("rewinds to anywhere, and writes over what it forgot", async () => {
    const { cache, append, held, feeds } = open(64, 8);
    await append(6);
    cache.rewind(2);
    expect(await held(0, 1)).toEqual([10, 11]);
    expect((feeds.nearfree_past_length as Tensor).data).toEqual(BigInt64Array.of(2n));
    await append(1);
    expect(await held(0, 1)).toEqual([10, 11, 12]);
    cache.rewind(0);
    expect(await held(0, 0)).toEqual([]);
  });

  it("starts anew after a release", async () => {
    const { cache, append, held } = open(64, 4);
    await append(5);
    cache.release();
    expect(cache.length).toBe(0);
    await append(2);
    expect(await held(1, 0)).toEqual([100, 101]);
  });
});
