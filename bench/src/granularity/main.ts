import { calibrate, createRandom } from "@nearfree/calibrate";
import type { Stair } from "@nearfree/core";
import { benchCommand } from "../setup/bench-command.ts";
import { clearSteps, denseCurve, isFoundNear, type Step } from "./dense-curve.ts";
import { expectedSteps, TARGETS, type Target } from "./targets.ts";

const THREADS = [1, 2];
/** Widest forward of the curve. */
const WIDEST = 32;
const PAIRS = 60;
const QUICK_PAIRS = 5;
/** A calibration that looks for stairs as much as for the boundary. */
const BUDGET = { forwards: 960, ms: 60_000 };

const clock = () => performance.now();

/** The clear steps between the stairs of a calibration that are known to a single n or two. */
function stepsOf(stairs: readonly Stair[]): Step[] {
  return stairs.flatMap(({ to, ratio }, i) => {
    const next = stairs[i + 1];
    return next !== undefined && next.from - to <= 2
      ? [{ positions: next.from, height: Math.log(next.ratio / ratio) }]
      : [];
  });
}

async function measure(target: Target, threads: number, pairs: number) {
  const { probe, release } = await target.open(threads);
  const curve = await denseCurve(probe, { clock, random: createRandom(5), widest: WIDEST, pairs });
  const cell = { contextLength: 0, batch: 1 };
  const calibrated = await calibrate(probe, { clock, cell, maxPositions: WIDEST, budget: BUDGET });
  await release();
  const steps = clearSteps(curve);
  const stairSteps = stepsOf(calibrated.stairs ?? []);
  const tiles = expectedSteps().map((expected) => ({
    expected,
    byCurve: isFoundNear(steps, expected),
    byCalibration: isFoundNear(stairSteps, expected),
  }));
  return {
    target: target.name,
    threads,
    baseMs: calibrated.baseMs,
    tiles,
    steps: steps.map(({ positions }) => positions),
    calibrationSteps: stairSteps.map(({ positions }) => positions),
    granularity: calibrated.granularity ?? null,
    curve: curve.map(({ positions, ratio, error }) => ({ positions, ratio: round(ratio), error: round(error) })),
  };
}

type Measured = Awaited<ReturnType<typeof measure>>;

const round = (value: number) => Math.round(value * 10_000) / 10_000;

function printCurve(
  { target, threads, baseMs, curve, steps, calibrationSteps }: Measured,
  say: (line: string) => void,
): void {
  const widest = Math.max(...curve.map(({ ratio }) => ratio));
  say(`\n${target}, ${threads} threads, T(1) ${baseMs.toFixed(3)} ms`);
  for (const { positions, ratio } of curve) {
    const bar = "#".repeat(Math.round((ratio / widest) * 60));
    const marks = `${steps.includes(positions) ? " step" : ""}${calibrationSteps.includes(positions) ? " stair" : ""}`;
    say(`${String(positions).padStart(3)} ${ratio.toFixed(3)} ${bar}${marks}`);
  }
}

await benchCommand("granularity", "the tiles of the fp32 kernels, by measurement alone", async ({ quick }, say) => {
  const measured: Measured[] = [];
  for (const target of quick ? TARGETS.slice(0, 1) : TARGETS) {
    for (const threads of THREADS) {
      const one = await measure(target, threads, quick ? QUICK_PAIRS : PAIRS);
      printCurve(one, say);
      measured.push(one);
    }
  }
  const tiles = measured.flatMap((one) => one.tiles);
  return {
    summary: {
      targets: measured.length,
      tiles: tiles.length,
      foundByCurve: tiles.filter((tile) => tile.byCurve).length,
      foundByCalibration: tiles.filter((tile) => tile.byCalibration).length,
    },
    expected: expectedSteps(),
    measured,
  };
});
