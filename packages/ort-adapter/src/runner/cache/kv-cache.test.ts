import fc from "fast-check";
import { Tensor } from "onnxruntime-common";
import { describe, expect, it } from "vitest";
import type { KvSlot } from "../decoder-io.ts";
import { createClippedKvCache } from "./clipped-kv-cache.ts";
import { ClippedPresent } from "./clipped-present.ts";
import { createGrowingKvCache } from "./growing-kv-cache.ts";
import { createInPlaceKvCache } from "./in-place-kv-cache.ts";
import type { Feeds, Fetches, KvCache, Results } from "./kv-cache.ts";
import { kvElements, kvPositions, kvShape, kvTensor } from "./kv-cache.ts";

const SLOTS: readonly KvSlot[] = [
  { past: "past.key", present: "present.key", type: "float32", heads: 3, headDim: 2 },
  { past: "past.value", present: "present.value", type: "float16", heads: 2, headDim: 4 },
  { past: "past.both", present: "present.both", type: "float32", heads: 4, headDim: 1, packed: true },
];
const CONTEXT = 700;
const ROOMY = { chunk: 8, contextLimit: CONTEXT };

/** A value that no other position, head or slot has, for float32 as for 16 bits; `mark` tells one writing of a position from another. */
const element = (slot: number, head: number, position: number, mark: number) =>
  (slot * 31 + head * 7 + position * 13 + mark * 101) % 60_000;

/** Does what a model does: writes positions `length`..`total` behind the past, into the past itself or into a new present. */
function run(cache: KvCache, total: number, marks: readonly number[]): void {
  const feeds: Feeds = {};
  const fetches: Fetches = {};
  const results: Record<string, Tensor> = {};
  const { length } = cache;
  cache.bind(total, feeds, fetches);
  SLOTS.forEach((slot, index) => {
    const past = feeds[slot.past] as Tensor;
    const shared = fetches[slot.present] as Tensor | null;
    expect(shared === null || shared === past).toBe(true);
    const positions = shared === null ? total : kvPositions(shared);
    const present = shared ?? kvTensor(Tensor, slot, newArray(slot, slot.heads * total * slot.headDim), total);
    expect(past.dims).toEqual(kvShape(slot, 1, kvPositions(past)));
    for (let head = 0; head < slot.heads; head++) {
      for (let position = 0; position < total; position++) {
        const value =
          position < length ? read(slot, past, head, position) : element(index, head, position, marks[position]!);
        const at = (head * positions + position) * slot.headDim;
        kvElements(present).fill(value, at, at + slot.headDim);
      }
    }
    results[slot.present] = present;
  });
  cache.commit(total, results as Results);
}

const newArray = (slot: KvSlot, size: number) =>
  slot.type === "float32" ? new Float32Array(size) : new Uint16Array(size);

function read(slot: KvSlot, tensor: Tensor, head: number, position: number): number {
  const data = kvElements(tensor);
  const at = (head * kvPositions(tensor) + position) * slot.headDim;
  for (let i = 1; i < slot.headDim; i++) if (data[at + i] !== data[at]) return Number.NaN; // Torn.
  return data[at]!;
}

function expectHolds(cache: KvCache, marks: readonly number[]): void {
  expect(cache.length).toBe(marks.length);
  const feeds: Feeds = {};
  cache.bind(marks.length, feeds, {});
  SLOTS.forEach((slot, index) => {
    const past = feeds[slot.past] as Tensor;
    for (let head = 0; head < slot.heads; head++) {
      const expected = marks.map((mark, position) => element(index, head, position, mark));
      expect(marks.map((_, position) => read(slot, past, head, position))).toEqual(expected);
    }
  });
}

const step = fc.record({
  n: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 300 })),
  keep: fc.nat(100),
});

describe.each([
  ["in place", () => createInPlaceKvCache(SLOTS, Tensor, { chunk: 8, contextLimit: CONTEXT })],
  ["in place, with room from the start", () => createInPlaceKvCache(SLOTS, Tensor, { ...ROOMY, leastCapacity: 90 })],
  ["growing", () => createGrowingKvCache(SLOTS, Tensor)],
  ["outside the model, no window being clipped yet", () => createClippedKvCache(SLOTS, Tensor, [900, 900, 900])],
] as const)("a KV cache kept %s", (_name, make) => {
  it("holds every live position through any schedule of forwards, rewinds and failures", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const cache = make();
        let marks: number[] = [];
        steps.forEach(({ n, keep }, mark) => {
          // Some runs fail: bound, never committed.
          if (keep % 7 === 3) cache.bind(marks.length + n, {}, {});
          if (marks.length + n <= CONTEXT) {
            marks = [...marks, ...Array<number>(n).fill(mark + 1)];
            run(cache, marks.length, marks);
          }
          // Mostly back to a few positions before the end, as a decode loop does; sometimes far.
          marks = marks.slice(
            0,
            keep > 90 ? Math.floor((marks.length * (100 - keep)) / 10) : Math.max(0, marks.length - (keep % 12)),
          );
          cache.rewind(marks.length);
          if (keep % 3 === 0 && marks.length > 0) expectHolds(cache, marks);
        });
        if (marks.length > 0) expectHolds(cache, marks);
      }),
      { numRuns: 150 },
    );
  });

  it("starts again after a release", () => {
    const cache = make();
    run(cache, 20, Array(20).fill(1));
    cache.release();
    expect(cache.length).toBe(0);
    run(cache, 3, [4, 5, 6]);
    expectHolds(cache, [4, 5, 6]);
  });
});

describe("the in-place cache", () => {
  const capacity = (cache: KvCache, total: number) => {
    const feeds: Feeds = {};
    cache.bind(total, feeds, {});
    return (feeds["past.key"] as Tensor).dims[2];
  };

  it("has the capacity of whole chunks, within the context, and gives up what is far too large", () => {
    const cache = createInPlaceKvCache(SLOTS, Tensor, { chunk: 32, contextLimit: 1000 });
    expect([1, 32, 33, 995].map((total) => capacity(cache, total))).toEqual([32, 32, 64, 1000]);
    expect(capacity(cache, 800)).toBe(1000);
    expect(capacity(cache, 100)).toBe(128);
  });

  it("keeps its tensors while they have room", () => {
    const cache = createInPlaceKvCache(SLOTS, Tensor, { chunk: 32, contextLimit: 1000 });
    const [first, second]: Feeds[] = [{}, {}];
    cache.bind(3, first!, {});
    cache.commit(3, {});
    cache.bind(30, second!, {});
    expect(second!["past.key"]).toBe(first!["past.key"]);
  });
});

describe("the cache of a model that keeps a window", () => {
  const WINDOWS = [5, 7, Number.POSITIVE_INFINITY];
  /** A model whose presents hold no more than their windows: it is given what it needs of the past, and leaves what it keeps. */
  function runClipped(cache: KvCache, total: number, marks: readonly number[]): void {
    const [feeds, results]: [Feeds, Record<string, Tensor>] = [{}, {}];
    const { length } = cache;
    cache.bind(total, feeds, {});
    SLOTS.forEach((slot, index) => {
      const past = feeds[slot.past] as Tensor;
      const held = Math.min(length, WINDOWS[index]!);
      expect(kvPositions(past)).toBe(held);
      const kept = Math.min(total, WINDOWS[index]!);
      const data = newArray(slot, slot.heads * kept * slot.headDim);
      for (let head = 0; head < slot.heads; head++) {
        for (let i = 0; i < held; i++) {
          const position = length - held + i;
          expect(read(slot, past, head, i)).toBe(element(index, head, position, marks[position]!));
        }
        for (let i = 0; i < kept; i++) {
          const position = total - kept + i;
          const at = (head * kept + i) * slot.headDim;
          data.fill(element(index, head, position, marks[position]!), at, at + slot.headDim);
        }
      }
      results[slot.present] = kvTensor(Tensor, slot, data, kept);
    });
    cache.commit(total, results);
  }

  it("gives a forward the window before it, after any rewind", () => {
    const steps = fc.array(fc.record({ n: fc.integer({ min: 1, max: 5 }), back: fc.nat(30) }), { maxLength: 40 });
    fc.assert(
      fc.property(steps, (some) => {
        const cache = createClippedKvCache(SLOTS, Tensor, WINDOWS);
        expect(cache.rowsAtOnce).toBe(5);
        let marks: number[] = [];
        some.forEach(({ n, back }, mark) => {
          marks = marks.slice(0, Math.max(0, marks.length - (back % 3 === 0 ? back : 0)));
          cache.rewind(marks.length);
          marks = [...marks, ...Array<number>(n).fill(mark + 1)];
          runClipped(cache, marks.length, marks);
        });
      }),
    );
  });

  it("refuses a forward whose own positions were lost", () => {
    const cache = createClippedKvCache(SLOTS, Tensor, WINDOWS);
    expect(() => runClipped(cache, 6, Array(6).fill(1))).toThrow(ClippedPresent);
    expect(cache.length).toBe(0);
  });
});

describe("the growing cache", () => {
  it("copies nothing when it rewinds to where the last forward began", () => {
    const cache = createGrowingKvCache(SLOTS, Tensor);
    const feeds: Feeds = {};
    run(cache, 5, [1, 1, 1, 1, 1]);
    cache.bind(8, feeds, {});
    const before = feeds["past.key"];
    run(cache, 8, [1, 1, 1, 1, 1, 2, 2, 2]);
    cache.rewind(5);
    cache.bind(6, feeds, {});
    expect(feeds["past.key"]).toBe(before);
  });

  it("refuses a present that is not past + n long", () => {
    const cache = createGrowingKvCache(SLOTS, Tensor);
    cache.bind(4, {}, {});
    const short = new Tensor("float32", new Float32Array(18), [1, 3, 3, 2]);
    const results = { "present.key": short, "present.value": short, "present.both": short };
    expect(() => cache.commit(4, results)).toThrow(expect.objectContaining({ code: "unsupported-model" }));
    expect(cache.length).toBe(0);
  });
});
