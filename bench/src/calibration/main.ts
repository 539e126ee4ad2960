import { type Cell, DEFAULT_EPSILON } from "@nearfree/core";
import { type BenchOptions, benchCommand } from "../setup/bench-command.ts";
import { BENCH_MODELS, type BenchEnvironment, type BenchModel, modelsNamed } from "../setup/bench-models.ts";
import { ARMS, type ArmName } from "./arms.ts";
import { benchCell, type CellReport } from "./bench-cell.ts";
import { benchNull, type NullReport } from "./bench-null.ts";
import { benchGrid, type GridReport } from "./grid.ts";
import { cellsOf, openCells } from "./open-cells.ts";
import { startLoad } from "./start-load.ts";

interface CalibrationOptions extends BenchOptions {
  readonly loaded: boolean;
  readonly models?: string;
  readonly minutes?: string;
  readonly epsilon?: string;
}

interface Size {
  readonly minutes: number;
  /** Most repeats of every arm on a cell. */
  readonly rounds: number;
  /** Null runs at most. */
  readonly nullRuns: number;
  readonly models: readonly BenchModel[];
  readonly epsilon: number;
}
const FULL: Size = { minutes: 15, rounds: 20, nullRuns: 200, models: BENCH_MODELS, epsilon: DEFAULT_EPSILON };
const QUICK: Size = {
  minutes: 0.5,
  rounds: 4,
  nullRuns: 20,
  epsilon: DEFAULT_EPSILON,
  models: modelsNamed("tiny-ts-fp32,tiny-ts-int4").map((model) => ({
    ...model,
    contexts: model.contexts.slice(0, 1),
    environments: model.environments.filter(({ ep }) => ep === "cpu"),
  })),
};

/** Where what is no cell of its own is measured: on two threads of two cores noise would hide what the null runs look for. */
const ONE_THREAD: BenchEnvironment = { ep: "cpu", threads: 1 };
/** Repeats below which agreement among them says nothing. */
const LEAST_REPEATS = 4;
/** Most of the time that the null runs, and the grid, may take. The cells have the rest, less what the last may overrun. */
const NULL_SHARE = 0.15;
const GRID_SHARE = 0.15;
const CELLS_END = 0.95;

/** What the models above leave out, and why. */
const NOT_MEASURED = [
  "batch 4 with GroupQueryAttention: its CPU kernel takes one sequence on a non-empty cache",
  "WebGPU: a software adapter shows function, not cost",
];

/** One cell of one model in one environment. */
interface CellResult extends CellReport, BenchEnvironment {
  readonly model: string;
  readonly cell: Cell;
}

const clock = () => performance.now();

/** Measures every cell of every model; cells whose turn has not come when the time is up are named as skipped. */
async function benchCells(
  { models, rounds, epsilon }: Size,
  end: number,
  say: (line: string) => void,
): Promise<{ cells: CellResult[]; skipped: string[] }> {
  const places = models.flatMap((model) => model.environments.map((environment) => ({ model, environment })));
  let left = places.reduce((sum, { model, environment }) => sum + cellsOf(model, environment).length, 0);
  const cells: CellResult[] = [];
  const skipped: string[] = [];
  for (const { model, environment } of places) {
    const names = cellsOf(model, environment).map((cell) => ({ cell, name: cellName(model, environment, cell) }));
    if (clock() > end) {
      skipped.push(...names.map(({ name }) => name));
      continue;
    }
    const open = await openCells(model, environment);
    for (const { cell, name } of names) {
      const budgetMs = Math.max(0, end - clock()) / left--;
      const probe = await open.probe(cell);
      const report = await benchCell(probe, {
        cell,
        clock,
        epsilon,
        rounds,
        budgetMs,
        seed: cells.length + 1,
      });
      cells.push({ model: model.name, ...environment, cell, ...report });
      say(describeCell(name, report));
    }
    await open.release();
  }
  return { cells, skipped };
}

function cellName(model: BenchModel, { ep, threads }: BenchEnvironment, { contextLength, batch }: Cell): string {
  return `${model.name} ${ep} ${threads} context ${contextLength}${batch > 1 ? ` batch ${batch}` : ""}`;
}

function describeCell(name: string, { arms, rounds, baseMs, modalBoundary, judged, seconds }: CellReport): string {
  const arm = (which: ArmName) => `${which} ${percent(arms[which].right)}`;
  return (
    `${name.padEnd(52)} T(1) ${baseMs.toFixed(2)} ms, boundary ${modalBoundary}, ${rounds} rounds, ` +
    `${Math.round(arms.nearfree.meanForwards)} forwards, right: ${ARMS.map(arm).join(", ")}` +
    `${judged ? "" : " (the reference is unsure)"}; ${seconds.toFixed(1)} s`
  );
}

const percent = (share: number) => `${Math.round(100 * share)}%`;

/** Every cell weighs the same, however often it was repeated. */
function mean(cells: readonly CellReport[], of: (cell: CellReport) => number): number | null {
  if (cells.length === 0) return null;
  return round(cells.reduce((sum, cell) => sum + of(cell), 0) / cells.length);
}

function round(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}

/** Over the cells that the reference could judge. */
function summarise(all: readonly CellResult[], nulls: NullReport, grid: GridReport | undefined) {
  const cells = all.filter((cell) => cell.judged);
  const right = (arm: ArmName) => mean(cells, (cell) => cell.arms[arm].right);
  return {
    cells: cells.length,
    right: right("nearfree"),
    unsafe: mean(cells, (cell) => cell.arms.nearfree.unsafe),
    meanForwards: mean(cells, (cell) => cell.arms.nearfree.meanForwards),
    maxForwards: cells.length === 0 ? null : Math.max(...cells.map((cell) => cell.arms.nearfree.maxForwards)),
    nullSteps: nulls.falseSteps,
    repeatSame: mean(
      cells.filter((cell) => cell.rounds >= LEAST_REPEATS),
      (cell) => cell.sameStair,
    ),
    gridCost: grid === undefined ? null : round(grid.cost),
    sweep5Right: right("sweep5"),
    sweep15Right: right("sweep15"),
    bisectRight: right("bisect3"),
  };
}

/** The A/A test on the smallest model, where a forward is shortest and its noise largest. */
async function runNull({ nullRuns, minutes, epsilon }: Size): Promise<NullReport> {
  const model = BENCH_MODELS[0]!;
  const open = await openCells(model, ONE_THREAD);
  const cell = cellsOf(model, ONE_THREAD)[0]!;
  const report = await benchNull(await open.probe(cell), {
    clock,
    cell,
    epsilon,
    runs: nullRuns,
    limitMs: NULL_SHARE * minutes * 60_000,
  });
  await open.release();
  return report;
}

/** On the model whose attention takes batches. */
async function runGrid({ minutes, epsilon }: Size): Promise<GridReport | undefined> {
  const open = await openCells(modelsNamed("tiny-ts-fp32-decomposed")[0]!, ONE_THREAD);
  const report = await benchGrid((cell) => open.probe(cell), {
    clock,
    epsilon,
    seed: 1,
    limitMs: GRID_SHARE * minutes * 60_000,
  });
  await open.release();
  return report;
}

await benchCommand<CalibrationOptions>(
  "calibration",
  "boundaries found by calibration and by plainer methods, judged by a reference of 200 anchored pairs",
  async ({ quick, loaded, models, minutes, epsilon }, say) => {
    const standard = quick ? QUICK : FULL;
    const size: Size = {
      ...standard,
      ...(models !== undefined && { models: modelsNamed(models) }),
      ...(minutes !== undefined && { minutes: Number(minutes) }),
      ...(epsilon !== undefined && { epsilon: Number(epsilon) }),
    };
    const end = clock() + CELLS_END * size.minutes * 60_000;
    const stopLoad = loaded ? startLoad() : async () => {};
    try {
      const nulls = await runNull(size);
      say(`${nulls.runs} null runs: ${nulls.falseSteps} false steps, ${nulls.unresolvable} unresolvable`);
      const grid = quick ? undefined : await runGrid(size);
      if (grid === undefined && !quick) say("3x3 grid: not done in its time");
      if (grid) say(`3x3 grid: ${grid.forwards} forwards, its cells alone ${grid.aloneForwards}`);
      const { cells, skipped } = await benchCells(size, end, say);
      const unjudged = cells.filter((cell) => !cell.judged).length;
      return {
        summary: summarise(cells, nulls, grid),
        loaded,
        epsilon: size.epsilon,
        nulls,
        grid: grid ?? null,
        unjudged,
        skipped,
        notMeasured: NOT_MEASURED,
        details: cells,
      };
    } finally {
      await stopLoad();
    }
  },
  (command) =>
    command
      .option("--loaded", "with a bursty load on another core", false)
      .option("--models <names>", "comma-separated; default all")
      .option("--minutes <m>", "time that the run may take, roughly")
      .option("--epsilon <e>", "what near-free allows; default 0.1"),
);
