import { createRandom } from "@nearfree/calibrate";
import type { Cell } from "@nearfree/core";
import { expect, it } from "vitest";
import { createExactMachine } from "../testing/exact-machine.ts";
import { benchGrid, GRID } from "./grid.ts";

it("sets a grid against its cells alone, on one machine", async () => {
  const random = createRandom(2);
  let contextLength = 0;
  const cost = (n: number) => 1 + contextLength / 1000 + 0.01 * n + 0.5 * Math.floor((n - 1) / 6);
  const { probe, clock } = createExactMachine(cost, { disturb: () => 0.99 + 0.02 * random() });
  const makeProbe = async (cell: Cell) => {
    contextLength = cell.contextLength;
    return probe;
  };
  const options = { clock, epsilon: 0.1, seed: 1 };
  const report = (await benchGrid(makeProbe, { ...options, limitMs: Number.POSITIVE_INFINITY }))!;
  expect(report.cells).toHaveLength(GRID.contexts.length * GRID.batches.length);
  for (const { boundary, alone } of report.cells) expect([boundary, alone]).toEqual([6, 6]);
  expect(report.cost).toBe(report.forwards / report.aloneForwards);
  expect(report.cost).toBeLessThan(0.8);
  expect(await benchGrid(makeProbe, { ...options, limitMs: 0 })).toBeUndefined();
});
