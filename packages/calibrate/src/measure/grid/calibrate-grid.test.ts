import { type Cell, type Measurement, parseProfile } from "@nearfree/core";
import type { CalibrationEvent } from "@nearfree/core/measure";
import { sampleProfile } from "@nearfree/core/test";
import { describe, expect, it } from "vitest";
import { createSyntheticGrid, drifting } from "../../testing/synthetic-grid.ts";
import { COSTS, type CostFunction, createSyntheticMachine, NOISES } from "../../testing/synthetic-machine.ts";
import { calibrate } from "../calibrate.ts";
import { type CalibrateGridOptions, type CellMeasurement, calibrateGrid } from "./calibrate-grid.ts";

const CONTEXTS = [128, 256, 512];
const BATCHES = [1, 2, 4];
type CostOf = (cell: Cell) => CostFunction;
type Noise = keyof typeof NOISES;

async function runGrid(costOf: CostOf, noise: Noise, seed: number, options: Partial<CalibrateGridOptions> = {}) {
  const { makeProbe, clock, made } = createSyntheticGrid(costOf, { noise: NOISES[noise], seed });
  const cells: CellMeasurement[] = [];
  const grid = calibrateGrid(makeProbe, { clock, contexts: CONTEXTS, batches: BATCHES, seed, ...options });
  for await (const cell of grid) {
    expect(parseProfile({ ...sampleProfile(), ...cell.measurement })).toBeDefined();
    cells.push(cell);
  }
  return { cells, made };
}

function boundaryAt(cost: CostFunction, threshold: number): number {
  let n = 1;
  while (n < 64 && cost(n + 1) <= threshold) n++;
  return n;
}

const found = ({ boundaries }: Measurement) => boundaries.find(({ epsilon }) => epsilon === 0.1)!.prefixFree;
const forwardsOf = (cells: readonly CellMeasurement[]) =>
  cells.reduce((sum, { measurement }) => sum + measurement.run.forwards, 0);

/** Shares over many grids, against the same cells each measured alone. */
async function survey(curves: readonly CostOf[], noise: Noise, seeds: number) {
  let [cells, right, unsafe, forwards, alone] = [0, 0, 0, 0, 0];
  for (const costOf of curves) {
    for (let seed = 1; seed <= seeds; seed++) {
      const grid = await runGrid(costOf, noise, seed);
      forwards += forwardsOf(grid.cells);
      for (const { cell, measurement } of grid.cells) {
        const cost = costOf(cell);
        const n = found(measurement);
        const dearest = Math.max(...Array.from({ length: n }, (_, i) => cost(i + 1)));
        cells++;
        if (n >= boundaryAt(cost, 1.1 / 1.02) && n <= boundaryAt(cost, 1.1 * 1.02)) right++;
        if (dearest > 1.1 * 1.02) unsafe++;
        const machine = createSyntheticMachine({ cost, noise: NOISES[noise], seed: 50_000 + cells });
        alone += (await calibrate(machine.probe, { clock: machine.clock, cell, seed })).run.forwards;
      }
    }
  }
  return { right: right / cells, unsafe: unsafe / cells, cost: forwards / alone };
}

const curvesWith = (slope: number) => Object.values(COSTS).map((cost) => drifting(cost, slope));

describe("a 3 x 3 grid of synthetic machines", () => {
  it.each([
    { noise: "quiet", slope: 0, right: 0.99, cost: 0.38 },
    { noise: "quiet", slope: 0.08, right: 0.99, cost: 0.39 },
    { noise: "quiet", slope: -0.08, right: 0.99, cost: 0.39 },
    { noise: "quiet", slope: 0.15, right: 0.99, cost: 0.39 },
    { noise: "drifting", slope: 0.08, right: 0.97, cost: 0.41 },
    { noise: "bursty", slope: 0.08, right: 0.96, cost: 0.5 },
  ] as const)("is right at $cost of nine cells: $noise, $slope an octave", async ({ noise, slope, right, cost }) => {
    const result = await survey(curvesWith(slope), noise, 10);
    expect(result.right).toBeGreaterThanOrEqual(right);
    expect(result.unsafe).toBeLessThanOrEqual(0.01);
    expect(result.cost).toBeLessThanOrEqual(cost);
  });

  it.each([
    ["a cliff among flat ones", COSTS.wide, COSTS.cliff],
    ["idle compute among cliffs", COSTS.cliff, COSTS.free],
    ["kernels of a few rows among smooth ones", COSTS.wide, COSTS.gemv],
    ["a dip", COSTS.wide, COSTS.dip],
    ["a steep one", COSTS.decoder, COSTS.linear],
  ])("finds the one cell that is another: %s", async (_name, usual, surprise) => {
    for (const [contextLength, batch] of [
      [256, 2],
      [512, 4],
      [256, 1],
    ]) {
      const isOdd = (cell: Cell) => cell.contextLength === contextLength && cell.batch === batch;
      const costOf: CostOf = (cell) => (isOdd(cell) ? surprise : usual);
      const result = await survey([costOf], "quiet", 4);
      expect(result).toMatchObject({ right: 1, unsafe: 0 });
      expect(result.cost).toBeLessThan(0.65);
    }
  });

  it("leaves a curve that a scheduler can use: as wide as the neighbours', and true where it was sampled", async () => {
    for (const cost of [COSTS.decoder, COSTS.smooth, COSTS.tiled]) {
      const costOf = drifting(cost, 0.08);
      const { cells } = await runGrid(costOf, "quiet", 3);
      const widest = cells[0]!.measurement.points.at(-1)!.positions;
      for (const { cell, measurement } of cells.slice(1)) {
        expect(measurement.points.at(-1)?.positions).toBe(widest);
        for (const { positions, ratio } of measurement.points) {
          expect(Math.abs(ratio / costOf(cell)(positions) - 1)).toBeLessThan(0.05);
        }
      }
    }
  });

  it("compares the bits that a bitwise schedule needs in every cell", async () => {
    const columns = 2;
    const logits = (n: number) => new Float32Array(n * columns).fill(n === 1 ? 1 + 2 ** -20 : 1);
    const cells: CellMeasurement[] = [];
    let machine = createSyntheticMachine({ cost: COSTS.decoder });
    const makeProbe = () => {
      machine = createSyntheticMachine({ cost: COSTS.decoder, logits, columns, seed: cells.length + 1 });
      return machine.probe;
    };
    const options = { clock: () => machine.clock(), contexts: CONTEXTS, batches: [1] };
    for await (const cell of calibrateGrid(makeProbe, options)) cells.push(cell);
    for (const { measurement } of cells) {
      expect(measurement.invariance.classes).toHaveLength(2);
      expect(measurement.invariance.classes[1]).toEqual(expect.arrayContaining([2, 3, 4, 6, 8, 12, 16, 24, 32]));
    }
  });
});

describe("a grid that is not measured in one go", () => {
  const costOf = drifting(COSTS.tiled, 0.05);

  it("skips what is known, and starts from it", async () => {
    const whole = (await runGrid(costOf, "quiet", 1)).cells;
    const rest = await runGrid(costOf, "quiet", 2, { measured: whole.slice(0, 6) });
    expect(rest.cells.map(({ cell }) => cell)).toEqual(whole.slice(6).map(({ cell }) => cell));
    expect(rest.made).toHaveLength(3);
    for (const { measurement } of rest.cells) expect(measurement.run.forwards).toBeLessThan(80);
    expect((await runGrid(costOf, "quiet", 2, { measured: whole })).made).toEqual([]);
  });

  it("keeps finished cells when it is aborted, and the cell in hand as far as it got; the next run goes on there", async () => {
    const abort = new AbortController();
    let done = 0;
    const onEvent = (event: CalibrationEvent) => {
      if (event.type === "done") done++;
      if (event.type === "sampled" && done === 2) abort.abort();
    };
    const { cells } = await runGrid(costOf, "quiet", 1, { signal: abort.signal, onEvent });
    expect(cells.map(({ measurement }) => measurement.run.stop)).toEqual(["decided", "decided", "aborted"]);
    const rest = await runGrid(costOf, "quiet", 2, { measured: cells });
    expect(rest.cells).toHaveLength(7);
    expect(rest.cells[0]).toMatchObject({ cell: cells[2]!.cell, measurement: { run: { stop: "decided" } } });
    for (const { positions, logRatios = [] } of cells[2]!.measurement.points.slice(1)) {
      const after = rest.cells[0]!.measurement.points.find((point) => point.positions === positions);
      expect(after?.logRatios?.slice(0, logRatios.length)).toEqual(logRatios);
    }
  });

  it("ends quietly when the abort comes between cells, and throws when it comes before anything", async () => {
    const abort = new AbortController();
    const onEvent = ({ type }: CalibrationEvent) => type === "done" && abort.abort();
    expect((await runGrid(costOf, "quiet", 1, { signal: abort.signal, onEvent })).cells).toHaveLength(1);
    await expect(runGrid(costOf, "quiet", 1, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "aborted",
    });
  });

  it("takes no hint from a cell that noise hid", async () => {
    const hidden = (await runGrid(costOf, "hopeless", 1, { contexts: [128], batches: [1] })).cells;
    expect(hidden[0]?.measurement.run.stop).toBe("unresolvable");
    const { cells } = await runGrid(costOf, "quiet", 1, { contexts: [128, 256], batches: [1], measured: hidden });
    expect(cells.map(({ cell }) => cell.contextLength)).toEqual([128, 256]);
    expect(cells.map(({ measurement }) => found(measurement))).toEqual([8, 8]);
  });
});

it("names the cell in every event, and ends each with done", async () => {
  const events: CalibrationEvent[] = [];
  const { made } = await runGrid(drifting(COSTS.decoder, 0), "quiet", 1, { onEvent: (event) => events.push(event) });
  expect(events.filter(({ type }) => type === "done").map(({ cell }) => cell)).toEqual(made);
  const order = events.map(({ cell }) => made.indexOf(cell));
  expect(order).toEqual([...order].sort((a, b) => a - b));
});

it("certifies without shortcuts", async () => {
  const options = { contexts: [128, 256], batches: [1], certify: true };
  const { cells } = await runGrid(() => COSTS.tiled, "quiet", 1, options);
  for (const { measurement } of cells)
    expect(measurement.boundaries[1]).toMatchObject({ prefixFree: 8, level: "certified" });
  const measured = cells[1]!.measurement.points.map(({ positions }) => positions);
  expect(measured).toEqual(expect.arrayContaining([2, 3, 4, 5, 6, 7, 8, 9, 12]));
});

it.each([
  [{ contexts: [] }, "contexts"],
  [{ contexts: [-1] }, "contexts"],
  [{ batches: [] }, "batches"],
  [{ batches: [1, 0] }, "batches"],
  [{ epsilon: 0 }, "epsilon"],
])("refuses %j", async (options, what) => {
  await expect(runGrid(() => COSTS.free, "silent", 1, options)).rejects.toMatchObject({
    code: "invalid-argument",
    message: expect.stringContaining(`[calibrate] ${what}: expected`),
  });
});
