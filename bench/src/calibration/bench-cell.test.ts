import { createRandom } from "@nearfree/calibrate";
import { expect, it } from "vitest";
import { createExactMachine } from "../testing/exact-machine.ts";
import { benchCell } from "./bench-cell.ts";
import { benchNull } from "./bench-null.ts";

const cell = { contextLength: 128, batch: 1 };
const tiled = (n: number) => 1 + 0.01 * (n - 1) + 0.4 * Math.floor((n - 1) / 6);
/** 1% either way. */
function jitter() {
  const random = createRandom(3);
  return () => 0.99 + 0.02 * random();
}

it("finds every arm right on a quiet machine, against a reference of every n that decides", async () => {
  const { probe, clock } = createExactMachine(tiled, { disturb: jitter() });
  const options = { cell, clock, epsilon: 0.1, rounds: 5, budgetMs: 60_000, seed: 1 };
  const report = await benchCell(probe, options);
  expect(report.rounds).toBe(5);
  expect(report.modalBoundary).toBe(6);
  expect(report.sameStair).toBe(1);
  expect(report.judged).toBe(true);
  for (const arm of Object.values(report.arms)) {
    expect(arm.boundaries).toHaveLength(5);
    expect([arm.right, arm.unsafe]).toEqual([1, 0]);
  }
  const measured = new Map(report.reference.map(({ positions, ratio, pairs }) => [positions, { ratio, pairs }]));
  for (const n of [2, 5, 6, 7]) {
    expect(measured.get(n)!.ratio).toBeCloseTo(tiled(n), 2);
    expect(measured.get(n)!.pairs).toBeGreaterThanOrEqual(200);
  }
});

it("keeps to its time: one round, and the reference as far as the threshold needs it", async () => {
  const { probe, clock } = createExactMachine(tiled, { disturb: jitter() });
  const report = await benchCell(probe, { cell, clock, epsilon: 0.1, rounds: 20, budgetMs: 1, seed: 1 });
  expect(report.rounds).toBe(1);
  expect(report.arms.nearfree.boundaries).toEqual([6]);
});

it("does not judge where the machine is too noisy for the reference too", async () => {
  const random = createRandom(4);
  const { probe, clock } = createExactMachine((n) => 1 + 0.05 * (n - 1), { disturb: () => 0.5 + random() });
  const report = await benchCell(probe, { cell, clock, epsilon: 0.1, rounds: 1, budgetMs: 1, seed: 1 });
  expect(report.judged).toBe(false);
});

it("sees no step on a machine without any", async () => {
  const { probe, clock } = createExactMachine((n) => n, { disturb: jitter() });
  const report = await benchNull(probe, { clock, cell, epsilon: 0.1, runs: 20, limitMs: Number.POSITIVE_INFINITY });
  expect(report).toMatchObject({ runs: 20, falseBoundaries: 0, unresolvable: 0 });
});
