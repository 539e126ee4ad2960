import type { Clock, Runner } from "@nearfree/core";
import { throwIfAborted } from "@nearfree/core/measure";
import { estimateMedian, median, pooledScale } from "./statistics/stats.ts";

/** What a forward of one runner costs beside the same forward of another, at one context. */
export interface PairedSpeed {
  readonly contextLength: number;
  readonly rows: number;
  /** Medians, in ms. */
  readonly referenceMs: number;
  readonly candidateMs: number;
  /** Time of the candidate over that of the reference: the median of the pairs, and its 98% interval. */
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
  readonly pairs: number;
}

export interface PairedSpeedOptions {
  readonly contextLength: number;
  readonly rows: number;
  /** Brings an empty runner to a length. Default: runs that many tokens. */
  readonly fill?: (runner: Runner, length: number) => Promise<unknown>;
  /** Ms after which no further pair is begun. Default 2,000. */
  readonly budgetMs?: number;
  /** Pairs that are timed whatever they cost, and at most. Default 6 and 60. */
  readonly leastPairs?: number;
  readonly mostPairs?: number;
  readonly clock?: Clock;
  readonly signal?: AbortSignal | undefined;
}

const DEFAULT_BUDGET_MS = 2_000;
const LEAST_PAIRS = 6;
const MOST_PAIRS = 60;
/** Forwards of each before anything is timed. */
const WARM_RUNS = 2;

/**
 * Times forwards of `rows` positions of both runners in turn, which of them comes first changing from pair to pair: what slows the
 * machine slows both. Both runners are empty before and after.
 *
 * @throws NearfreeError `aborted`, `run-failed`
 */
export async function pairedSpeed(
  reference: Runner,
  candidate: Runner,
  options: PairedSpeedOptions,
): Promise<PairedSpeed> {
  const { contextLength, rows, budgetMs = DEFAULT_BUDGET_MS, clock = () => performance.now(), signal } = options;
  const { leastPairs = LEAST_PAIRS, mostPairs = MOST_PAIRS } = options;
  const { vocabularySize } = reference.describe();
  const tokens = Array.from({ length: contextLength + rows }, (_, i) => (i * 31 + 7) % vocabularySize);
  const next = tokens.slice(contextLength);
  const { fill = (runner) => runner.forward(tokens.slice(0, contextLength), 0) } = options;
  const run = async (runner: Runner) => {
    const start = clock();
    await runner.forward(next);
    const ms = clock() - start;
    runner.rewind(contextLength);
    return ms;
  };
  // The workers of the session that ran before go on spinning for a while: a forward of one's own sits that out.
  const time = async (runner: Runner) => {
    await run(runner);
    return run(runner);
  };
  for (const runner of [reference, candidate]) {
    throwIfAborted(signal, "comparing speed");
    runner.rewind(0);
    await fill(runner, contextLength);
    for (let i = 0; i < WARM_RUNS; i++) await run(runner);
  }
  const pairs: { readonly referenceMs: number; readonly candidateMs: number }[] = [];
  const until = clock() + budgetMs;
  while (pairs.length < leastPairs || (pairs.length < mostPairs && clock() < until)) {
    throwIfAborted(signal, "comparing speed");
    if (pairs.length % 2 === 0) {
      const referenceMs = await time(reference);
      pairs.push({ referenceMs, candidateMs: await time(candidate) });
    } else {
      const candidateMs = await time(candidate);
      pairs.push({ referenceMs: await time(reference), candidateMs });
    }
  }
  for (const runner of [reference, candidate]) runner.rewind(0);
  const logs = pairs.map(({ referenceMs, candidateMs }) => Math.log(candidateMs / referenceMs));
  const { centre, halfWidth } = estimateMedian(logs, pooledScale([logs]));
  return {
    contextLength,
    rows,
    referenceMs: median(pairs.map(({ referenceMs }) => referenceMs)),
    candidateMs: median(pairs.map(({ candidateMs }) => candidateMs)),
    ratio: Math.exp(centre),
    low: Math.exp(centre - halfWidth),
    high: Math.exp(centre + halfWidth),
    pairs: pairs.length,
  };
}
