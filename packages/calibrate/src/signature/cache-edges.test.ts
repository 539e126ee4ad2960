import { expect, it } from "vitest";
import { cacheEdges } from "./cache-edges.ts";

it("finds both edges of a cache that fades, and lets one without an edge end somewhere", () => {
  const costs = [1, 1.05, 1.5, 1.9, 2].map((msPerByte, i) => ({ bytes: 10 * (i + 1), msPerByte }));
  expect(cacheEdges(costs)).toEqual({ insideBytes: 20, beyondBytes: 40 });
  const flat = [10, 20].map((bytes) => ({ bytes, msPerByte: 1 }));
  expect(cacheEdges(flat).insideBytes).toBeLessThan(cacheEdges(flat).beyondBytes);
});
