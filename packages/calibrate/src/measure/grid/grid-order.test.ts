import type { Cell } from "@nearfree/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { gridOrder, neighboursOf } from "./grid-order.ts";

const pairs = (cells: readonly Cell[]) => cells.map(({ contextLength, batch }) => [contextLength, batch]);
const cellsOf = (...list: [number, number][]) => list.map(([contextLength, batch]): Cell => ({ contextLength, batch }));

describe("gridOrder", () => {
  it("takes the corners, then the edges, then the interior", () => {
    const order = pairs(gridOrder([512, 128, 256], [1, 2, 4]));
    expect(order.slice(0, 4)).toEqual([
      [128, 1],
      [512, 4],
      [128, 4],
      [512, 1],
    ]);
    expect(new Set(order.slice(4, 8).map(String))).toEqual(new Set(["128,2", "256,1", "256,4", "512,2"]));
    expect(order[8]).toEqual([256, 2]);
  });

  it("takes the ends of a line, then always the middle of the widest gap", () => {
    expect(pairs(gridOrder([1, 2, 3, 4, 5], [1]))).toEqual([
      [1, 1],
      [5, 1],
      [3, 1],
      [2, 1],
      [4, 1],
    ]);
    expect(pairs(gridOrder([7], [3]))).toEqual([[7, 3]]);
  });

  it("holds every cell once", () => {
    const axis = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(axis, axis, (contexts, batches) => {
        const order = pairs(gridOrder(contexts, batches)).map(String);
        expect(order).toHaveLength(new Set(contexts).size * new Set(batches).size);
        expect(new Set(order).size).toBe(order.length);
      }),
    );
  });
});

describe("neighboursOf", () => {
  const near = (cell: [number, number], ...measured: [number, number][]) =>
    pairs(neighboursOf(cellsOf(cell)[0]!, cellsOf(...measured), (each) => each));

  it("are the nearest on either side with the same context or batch", () => {
    const corners: [number, number][] = [
      [128, 1],
      [512, 1],
      [128, 4],
      [512, 4],
    ];
    expect(near([256, 1], ...corners)).toEqual([
      [128, 1],
      [512, 1],
    ]);
    expect(near([256, 2], ...corners, [256, 1], [256, 4], [128, 2])).toEqual([
      [128, 2],
      [256, 1],
      [256, 4],
    ]);
  });

  it("are the nearest of all where none is in line, and none where nothing is known", () => {
    expect(near([512, 4], [128, 1], [256, 2])).toEqual([[256, 2]]);
    expect(near([512, 4])).toEqual([]);
  });
});
