import { type Clock, NearfreeError } from "@nearfree/core";
import type { Balance, BalanceProbes, Workload } from "@nearfree/core/measure";

/** Ms after which no further round is started. */
export const DEFAULT_BALANCE_MS = 1_000;
/** Rounds of both workloads, and bandwidth runs in each: they are short. */
const ROUNDS = 8;
const BANDWIDTH_RUNS = 4;

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
  const start = clock();
  await time(bandwidth, clock);
  await time(compute, clock);
  let bandwidthMs = Number.POSITIVE_INFINITY;
  let computeMs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS && (round === 0 || clock() - start < budgetMs); round++) {
    if (signal?.aborted) throw aborted();
    for (let i = 0; i < BANDWIDTH_RUNS; i++) bandwidthMs = Math.min(bandwidthMs, await time(bandwidth, clock));
    computeMs = Math.min(computeMs, await time(compute, clock));
  }
  return { flopsPerSecond: perSecond(compute, computeMs), bytesPerSecond: perSecond(bandwidth, bandwidthMs) };
}

async function time({ probe, positions }: Workload, clock: Clock): Promise<number> {
  await probe.prepare(positions);
  const start = clock();
  await probe.run(positions);
  return clock() - start;
}

/** Smallest time that is believed: a clock that did not move must not give infinite speed. */
const SMALLEST_MS = 1e-3;

function perSecond({ amount }: Workload, ms: number): number {
  return (amount / Math.max(ms, SMALLEST_MS)) * 1_000;
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
