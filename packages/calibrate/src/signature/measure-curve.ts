import type { AbortSignalLike, Clock } from "@nearfree/core";
import type { Probe } from "@nearfree/core/measure";
import { throwIfAborted } from "@nearfree/core/measure";
import { CellRun } from "../measure/cell-run.ts";
import { clockGrain, fitGroup } from "../measure/clock-grain.ts";
import { InvarianceRecorder } from "../measure/invariance.ts";
import { MeasuringStopped, Meter } from "../measure/meter.ts";
import { invalidOption } from "../measure/options.ts";
import { createRandom } from "../measure/statistics/random.ts";
import { Samples } from "../measure/statistics/samples.ts";
import { typical } from "../measure/statistics/stats.ts";

/** Rounds over the grid: no fewer, and no more however fast the probe is. */
const MIN_ROUNDS = 5;
const MAX_ROUNDS = 15;
/** Forwards of one position before anything counts. */
const WARM_FORWARDS = 5;
/** How finely the clock must tell T(n) from T(1): as for an epsilon of 0.1. */
const CLOCK_EPSILON = 0.1;
const BLOCK = 4;

/** A measured curve in absolute times. */
export interface MeasuredCurve {
  /** Sorted, n = 1 first. */
  readonly points: readonly { readonly positions: number; readonly ms: number }[];
  readonly forwards: number;
}

export interface MeasureCurveOptions {
  readonly clock: Clock;
  /** The n to measure besides 1. */
  readonly positions: readonly number[];
  /** Ms after which no further round is started. */
  readonly budgetMs: number;
  readonly signal?: AbortSignalLike | undefined;
}

/**
 * T(n) of a probe at every n asked for, in anchored blocks as `calibrate` takes them, none decided early: a signature needs the shape
 * of the whole curve, not one boundary.
 *
 * @throws NearfreeError `aborted`; `invalid-argument` for a clock that does not move while 64 forwards run. What the probe throws
 *   passes through.
 */
export async function measureCurve(probe: Probe, options: MeasureCurveOptions): Promise<MeasuredCurve> {
  try {
    return await measureRounds(probe, options);
  } catch (error) {
    if (!(error instanceof MeasuringStopped)) throw error;
    throw invalidOption("clock", "one that moves on while forwards run", "one too coarse for them");
  }
}

async function measureRounds(
  probe: Probe,
  { clock, positions, budgetMs, signal }: MeasureCurveOptions,
): Promise<MeasuredCurve> {
  const start = clock();
  const unlimited = { forwards: Number.POSITIVE_INFINITY, ms: Number.POSITIVE_INFINITY };
  const meter = new Meter(probe, clock, unlimited, undefined);
  const grainMs = clockGrain(clock);
  const warm: number[] = [];
  for (let i = 0; i < WARM_FORWARDS; i++) warm.push(await meter.time(1));
  // A kernel may be too fast for the clock: its figures are then as coarse, but there.
  await fitGroup(meter, grainMs, warm, CLOCK_EPSILON);
  meter.trusted = true;
  const samples = new Samples();
  const invariance = new InvarianceRecorder();
  const run = new CellRun({ probe, meter, samples, invariance, random: createRandom(1), onWarming: () => {} });
  const grid = positions.filter((n) => n > 1 && n <= probe.maxPositions);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    throwIfAborted(signal, "calibrate");
    for (let i = 0; i < grid.length; i += BLOCK) await run.measure(grid.slice(i, i + BLOCK));
    const spread = grid.every((n) => samples.count(n) >= MIN_ROUNDS);
    if (spread && clock() - start > budgetMs) break;
  }
  if (grid.length === 0) for (let i = 0; i < MAX_ROUNDS; i++) samples.addAnchor(await meter.time(1));
  const baseMs = typical(samples.anchorsMs);
  const rest = samples.measured.map((n) => ({ positions: n, ms: baseMs * Math.exp(samples.estimate(n).centre) }));
  return { points: [{ positions: 1, ms: baseMs }, ...rest], forwards: meter.forwards };
}
