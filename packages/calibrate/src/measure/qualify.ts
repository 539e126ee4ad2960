import type { Meter } from "./meter.ts";
import { ANCHORS_A_SIDE } from "./statistics/samples.ts";
import { expectedHalfWidth, pooledScale, typical } from "./statistics/stats.ts";

/** Timings of one round of the A/A test; rounds before the verdict that nothing can be told apart; rounds that a verdict looks at. */
const AA_TIMINGS = 8;
const AA_ROUNDS = 4;
const AA_WINDOW = 3;
/** A smallest ratio beyond 1 + this * epsilon ends a measurement before it starts: few timings tell no finer than that. */
const HOPELESS = 1;
/** Samples that one number of positions may take: the A/A noise is judged by what that many leave. */
export const MAX_SAMPLES_PER_POINT = 64;

/** What the machine allows to be told apart. */
export interface Qualification {
  /** Ms of forwards of one position, in order. */
  readonly baseMs: readonly number[];
  /** Log-ratios of n = 1 against n = 1: noise alone. */
  readonly nullSamples: readonly number[];
  /** Smallest ratio that can be told apart from 1 with the samples that a point may take. */
  readonly smallestRatio: number;
  /** Whether there is hope: see `HOPELESS`. What was measured in the end is held to 1 + epsilon / 2. */
  readonly resolvable: boolean;
}

/**
 * A/A test: times n = 1 against itself, the way samples are taken. A noisy verdict is tested again before it is believed, on the
 * latest rounds alone: a process that has just started is slower and noisier than it will be.
 */
export async function testAgainstItself(meter: Meter, epsilon: number): Promise<Qualification> {
  let baseMs: number[] = [await meter.time(1)];
  for (let round = 1; ; round++) {
    for (let i = 0; i < AA_TIMINGS; i++) baseMs.push(await meter.time(1));
    baseMs = baseMs.slice(-AA_WINDOW * AA_TIMINGS - 1);
    const nullSamples = nullRatios(baseMs);
    const smallestRatio = smallestRatioOf(pooledScale([nullSamples]));
    const resolvable = smallestRatio <= 1 + HOPELESS * epsilon;
    if (resolvable || round === AA_ROUNDS) return { baseMs, nullSamples, smallestRatio, resolvable };
  }
}

/** The smallest ratio that noise of this scale leaves apart from 1. */
export function smallestRatioOf(noiseScale: number): number {
  return Math.exp(expectedHalfWidth(noiseScale, MAX_SAMPLES_PER_POINT));
}

/** Like a sample of any n: each timing against the nearest ones on either side. */
function nullRatios(baseMs: readonly number[]): number[] {
  const logs = baseMs.map(Math.log);
  const near = (i: number) => [
    ...logs.slice(Math.max(0, i - ANCHORS_A_SIDE), i),
    ...logs.slice(i + 1, i + 1 + ANCHORS_A_SIDE),
  ];
  return logs.slice(1, -1).map((log, i) => log - typical(near(i + 1)));
}
