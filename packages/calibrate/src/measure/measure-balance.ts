import { type Clock, NearfreeError } from "@nearfree/core";
import type { Balance, BalanceProbes, Workload } from "@nearfree/core/measure";
import { clockGrain, MAX_GROUP } from "./clock-grain.ts";

/** Ms after which no further round is started. */
export const DEFAULT_BALANCE_MS = 1_000;
/** Rounds of both workloads, and bandwidth runs in each: they are short. */
const ROUNDS = 8;
const BANDWIDTH_RUNS = 4;
/** Steps of the clock that a timing spans. */
const GRAINS = 10;

export interface MeasureBalanceOptions {
  readonly clock: Clock;
  /** Default 1,000 ms; one round is always run. */
  readonly budgetMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * FLOP/s and bytes/s of the device through the runtime behind the probes. The two are interleaved, and each is taken from its
 * fastest run after a warm-up: what the device can do, not what its neighbours left.
 *
 * @throws NearfreeError `aborted`. What a probe throws passes through.
 */
export async function measureBalance(
  { bandwidth, compute }: BalanceProbes,
  { clock, budgetMs = DEFAULT_BALANCE_MS, signal }: MeasureBalanceOptions,
): Promise<Balance> {
  const timer = { clock, grainMs: clockGrain(clock) ?? 0 };
  const start = clock();
  const bandwidthRuns = await runsToTime(bandwidth, timer);
  const computeRuns = await runsToTime(compute, timer);
  let bandwidthMs = Number.POSITIVE_INFINITY;
  let computeMs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS && (round === 0 || clock() - start < budgetMs); round++) {
    if (signal?.aborted) throw aborted();
    for (let i = 0; i < BANDWIDTH_RUNS; i++)
      bandwidthMs = Math.min(bandwidthMs, await time(bandwidth, timer, bandwidthRuns));
    computeMs = Math.min(computeMs, await time(compute, timer, computeRuns));
  }
  return { flopsPerSecond: perSecond(compute, computeMs), bytesPerSecond: perSecond(bandwidth, bandwidthMs) };
}

/** A clock and what one reading of it may be off by. */
interface Timer {
  readonly clock: Clock;
  readonly grainMs: number;
}

/** Warms the workload up: how many runs of it the clock needs to see them. */
async function runsToTime(workload: Workload, timer: Timer): Promise<number> {
  const runs = Math.ceil((GRAINS * timer.grainMs) / (await time(workload, timer, 1)));
  return runs >= 1 ? Math.min(MAX_GROUP, runs) : 1;
}

/** Ms of one of `runs` runs; never less than a clock that did not move could have missed: that must not give infinite speed. */
async function time({ probe, positions }: Workload, { clock, grainMs }: Timer, runs: number): Promise<number> {
  await probe.prepare(positions);
  const start = clock();
  for (let run = 0; run < runs; run++) await probe.run(positions);
  return Math.max(clock() - start, Number.isFinite(grainMs) ? grainMs : 0, SMALLEST_MS) / runs;
}

/** The least that any run takes, where the clock says nothing. */
const SMALLEST_MS = 1e-3;

function perSecond({ amount }: Workload, ms: number): number {
  return (amount / ms) * 1_000;
}

function aborted(): NearfreeError {
  return new NearfreeError({
    code: "aborted",
    from: "calibrate",
    what: "measureBalance",
    expected: "to run to its end",
    received: "an abort",
    remedy: "start again",
  });
}
