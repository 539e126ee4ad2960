import { LEAN_CHUNK } from "../contracts/lean-chunk.ts";
import type { RewrittenForm } from "./graph-summary.ts";

/**
 * How the KV cache of an attention is kept: by the original graph, in new memory at every step or in place, or by a rewritten one.
 */
export type CacheKeeping = "growing" | "in-place" | RewrittenForm;

/** The cache in a forward, in positions. */
export interface CacheWork {
  /** Of the past as it is fed, room included. */
  readonly capacity: number;
  /** Whose keys and values are read; and copied, where that is done. */
  readonly read: number;
  /** That each row has a score with. */
  readonly scored: number;
}

/** Positions that a cache has room for beyond its context: those of the widest forward, which are not given up after it. */
const CACHE_ROOM = 64;

/** A forward of n positions behind `contextLength`. */
export function cacheWork(kept: CacheKeeping, contextLength: number, n: number): CacheWork {
  const all = contextLength + n;
  const room = contextLength + Math.max(CACHE_ROOM, n);
  const rounded = Math.ceil(room / LEAN_CHUNK) * LEAN_CHUNK;
  switch (kept) {
    case "growing":
      return { capacity: contextLength, read: all, scored: all };
    case "in-place":
      // It comes back to JavaScript whole: onnxruntime-node copies every output, unused room included.
      return { capacity: room, read: room, scored: all };
    case "rows":
      return { capacity: rounded, read: all, scored: all };
    case "lean":
      // The products take the room with them; what they give of it is masked.
      return { capacity: rounded, read: rounded + n, scored: rounded + n };
  }
}

/** How a class of attention keeps its cache. `inPlaceCache`: whether past and present of a fused one may be the same memory. */
export function keepingOf(
  { operator, cache }: { readonly operator: string; readonly cache?: RewrittenForm | undefined },
  inPlaceCache: boolean,
): CacheKeeping {
  return cache ?? (inPlaceCache && operator === "GroupQueryAttention" ? "in-place" : "growing");
}

/** A copy is a read and a write. */
const COPY = 2;

/** How often a forward reads or writes each byte of the cache: to attend to it, and for every copy in graph and binding. */
export const CACHE_PASSES: Readonly<Record<CacheKeeping, number>> = {
  // Joined with the new rows, and fetched.
  growing: 1 + 2 * COPY,
  // Fetched.
  "in-place": 1 + COPY,
  // Its live positions taken out of the room, and joined with the new rows.
  rows: 1 + 2 * COPY,
  lean: 1,
};
