import { describe, expect, it } from "vitest";
import { LEAN_CHUNK } from "../contracts/lean-chunk.ts";
import { CACHE_PASSES, cacheWork, keepingOf } from "./cache-work.ts";

describe("cacheWork", () => {
  it("counts context and new rows where the cache grows, or its live part is taken", () => {
    expect(cacheWork("growing", 1_000, 3)).toEqual({ capacity: 1_000, read: 1_003, scored: 1_003 });
    expect(cacheWork("rows", 1_000, 3)).toEqual({ capacity: 1_152, read: 1_003, scored: 1_003 });
  });

  it("counts the room too where it comes back in place, but no scores with it", () => {
    expect(cacheWork("in-place", 1_000, 3)).toEqual({ capacity: 1_064, read: 1_064, scored: 1_003 });
    expect(cacheWork("in-place", 1_000, 90)).toEqual({ capacity: 1_090, read: 1_090, scored: 1_090 });
  });

  it("counts whole chunks of a lean cache, scores with its room included", () => {
    for (const [context, capacity] of [
      [0, 128],
      [64, 128],
      [65, 256],
      [1_024, 1_152],
      [4_032, 4_096],
    ] as const) {
      expect(capacity % LEAN_CHUNK).toBe(0);
      expect(cacheWork("lean", context, 1)).toEqual({ capacity, read: capacity + 1, scored: capacity + 1 });
      // A wide forward stays in the same memory.
      expect(cacheWork("lean", context, 64).capacity).toBe(capacity);
    }
  });
});

describe("keepingOf", () => {
  it("knows a rewritten class by its name, and a fused one where past and present may be one", () => {
    expect(keepingOf({ operator: "GroupQueryAttention", cache: "lean" }, true)).toBe("lean");
    expect(keepingOf({ operator: "MatMul", cache: "rows" }, true)).toBe("rows");
    expect(keepingOf({ operator: "GroupQueryAttention" }, true)).toBe("in-place");
    expect(keepingOf({ operator: "GroupQueryAttention" }, false)).toBe("growing");
    expect(keepingOf({ operator: "MatMul" }, true)).toBe("growing");
  });
});

it("lets a lean cache alone be read once", () => {
  const { lean, ...copied } = CACHE_PASSES;
  expect(lean).toBe(1);
  for (const passes of Object.values(copied)) expect(passes).toBeGreaterThan(1);
});
