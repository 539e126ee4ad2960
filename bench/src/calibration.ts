import { type Cell, DEFAULT_EPSILON } from "@nearfree/core";
import { type BenchOptions, benchCommand } from "./bench-command.ts";
import { type ArmName, benchCell, type CellReport } from "./calibration-cell.ts";
import { cellsOf, openCells } from "./calibration-cells.ts";
import { startLoad } from "./calibration-load.ts";
import { benchNull, type NullReport } from "./calibration-null.ts";
import { BENCH_MODELS, type BenchModel, modelsNamed } from "./models.ts";

interface CalibrationOptions extends BenchOptions {
  readonly loaded: boolean;
  readonly models?: string;
  readonly minutes?: string;
}

interface Size {
  readonly minutes: number;
  /** Most repeats of every arm on a cell. */
  readonly rounds: number;
  /** Null runs at most, and minutes for them. */
  readonly nullRuns: number;
  readonly nullMinutes: number;
  readonly models: readonly BenchModel[];
}
const FULL: Size = { minutes: 15, rounds: 20, nullRuns: 200, nullMinutes: 2, models: BENCH_MODELS };
const QUICK: Size = {
  minutes: 0.5,
  rounds: 4,
  nullRuns: 20,
  nullMinutes: 0.1,
  models: modelsNamed("tiny-ts-fp32,tiny-ts-int4").map((model) => ({ ...model, contexts: model.contexts.slice(0, 1) })),
};

/** Repeats below which agreement among them says nothing. */
const LEAST_REPEATS = 4;
/** Share of the time for what is no cell: loading, contexts, null runs. */
const CELLS_SHARE = 0.8;

/** One cell of one model in one environment. */
interface CellResult extends CellReport {
  readonly model: string;
  readonly ep: string;
  readonly threads: number;
  readonly cell: Cell;
}

const clock = () => performance.now();

/** Measures every cell of every model; cells whose turn has not come when the time is up are named as skipped. */
async function benchCells(
  { models, minutes, rounds }: Size,
  say: (line: string) => void,
): Promise<{ cells: CellResult[]; skipped: string[] }> {
  const end = clock() + minutes * 60_000 * CELLS_SHARE;
  const environments = models.flatMap((model) => model.threads.map((threads) => ({ model, threads })));
  let left = environments.reduce((sum, { model }) => sum + cellsOf(model).length, 0);
  const cells: CellResult[] = [];
  const skipped: string[] = [];
  for (const { model, threads } of environments) {
    const names = cellsOf(model).map((cell) => ({ cell, name: cellName(model, threads, cell) }));
    if (clock() > end) {
      skipped.push(...names.map(({ name }) => name));
      continue;
    }
    const open = await openCells(model, threads);
    for (const { cell, name } of names) {
      const budgetMs = Math.max(0, end - clock()) / left--;
      const probe = await open.probe(cell);
      const report = await benchCell(probe, {
        cell,
        clock,
        epsilon: DEFAULT_EPSILON,
        rounds,
        budgetMs,
        seed: cells.length + 1,
      });
      cells.push({ model: model.name, ep: open.executionProvider, threads, cell, ...report });
      say(describeCell(name, report));
    }
    await open.release();
  }
  return { cells, skipped };
}

function cellName(model: BenchModel, threads: number, { contextLength, batch }: Cell): string {
  return `${model.name} threads ${threads} context ${contextLength}${batch > 1 ? ` batch ${batch}` : ""}`;
}

function describeCell(name: string, { arms, rounds, baseMs, modalBoundary, seconds }: CellReport): string {
  const arm = (which: ArmName) => `${which} ${percent(arms[which].right)}`;
  return (
    `${name.padEnd(52)} T(1) ${baseMs.toFixed(2)} ms, boundary ${modalBoundary}, ${rounds} rounds, ` +
    `${Math.round(arms.nearfree.meanForwards)} forwards, right: ${(["nearfree", "sweep5", "sweep15", "bisect3"] as const).map(arm).join(", ")}; ${seconds.toFixed(1)} s`
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

function summarise(cells: readonly CellResult[], nulls: NullReport) {
  const right = (arm: ArmName) => mean(cells, (cell) => cell.arms[arm].right);
  return {
    cells: cells.length,
    right: right("nearfree"),
    unsafe: mean(cells, (cell) => cell.arms.nearfree.unsafe),
    meanForwards: mean(cells, (cell) => cell.arms.nearfree.meanForwards),
    maxForwards: Math.max(...cells.map((cell) => cell.arms.nearfree.maxForwards)),
    nullSteps: nulls.falseSteps,
    repeatSame: mean(
      cells.filter((cell) => cell.rounds >= LEAST_REPEATS),
      (cell) => cell.sameStair,
    ),
    gridCost: null,
    sweep5Right: right("sweep5"),
    sweep15Right: right("sweep15"),
    bisectRight: right("bisect3"),
  };
}

/** The A/A test on the smallest model, where a forward is shortest and its noise largest. */
async function runNull({ nullRuns, nullMinutes }: Size): Promise<NullReport> {
  const model = BENCH_MODELS[0]!;
  const open = await openCells(model, 2);
  const cell = cellsOf(model)[0]!;
  const report = await benchNull(await open.probe(cell), {
    clock,
    cell,
    epsilon: DEFAULT_EPSILON,
    runs: nullRuns,
    limitMs: nullMinutes * 60_000,
  });
  await open.release();
  return report;
}

await benchCommand<CalibrationOptions>(
  "calibration",
  "boundaries found by calibration and by plainer methods, judged by a reference of 200 anchored pairs",
  async ({ quick, loaded, models, minutes }, say) => {
    const size = quick ? QUICK : FULL;
    const stopLoad = loaded ? startLoad() : async () => {};
    try {
      const nulls = await runNull(size);
      say(`${nulls.runs} null runs: ${nulls.falseSteps} false steps, ${nulls.unresolvable} unresolvable`);
      const { cells, skipped } = await benchCells(
        {
          ...size,
          models: models === undefined ? size.models : modelsNamed(models),
          minutes: minutes === undefined ? size.minutes : Number(minutes),
        },
        say,
      );
      return { summary: summarise(cells, nulls), loaded, nulls, skipped, details: cells };
    } finally {
      await stopLoad();
    }
  },
  (command) =>
    command
      .option("--loaded", "with a bursty load on another core", false)
      .option("--models <names>", "comma-separated; default all")
      .option("--minutes <m>", "time that the cells may take, roughly"),
);
