import type { Clock } from "@nearfree/core";
import type { Meter } from "./meter.ts";
import { expectedHalfWidth, pooledScale } from "./stats.ts";

/** Clock readings taken to find its grain, and distinct steps that end the search early. */
const MAX_CLOCK_READS = 20_000;
const CLOCK_STEPS = 8;
/** Share of epsilon that the clock's grain may take in a sample. */
const GRAIN_SHARE = 0.1;
/** Most forwards timed together: beyond it the model is too fast for the clock. */
export const MAX_GROUP = 64;
/** Timings of one round of the A/A test; rounds before the verdict that nothing can be told apart; rounds that a verdict looks at. */
const AA_TIMINGS = 8;
const AA_ROUNDS = 4;
const AA_WINDOW = 3;
/** Samples that one number of positions may take: the A/A noise is judged by what that many leave. */
export const MAX_SAMPLES_PER_POINT = 32;

/** Anchors whose logs differ by more saw the machine change between them. */
export const ANCHOR_GATE = 0.1;
/** Null samples below which the noise is not known, also as a share of the timings: a few that agree by chance prove nothing. */
const MIN_NULL_SAMPLES = 4;
const MIN_NULL_SHARE = 1 / 3;

/** What the machine allows to be told apart. */
export interface Qualification {
  /** Ms of forwards of one position, in order. */
  readonly baseMs: readonly number[];
  /** Log-ratios of n = 1 against n = 1: noise alone. */
  readonly nullSamples: readonly number[];
  /** Smallest ratio that can be told apart from 1 with the samples that a point may take. */
  readonly smallestRatio: number;
  /** Whether `smallestRatio` is fine enough for epsilon: at most 1 + epsilon / 2. */
  readonly resolvable: boolean;
}

/** Smallest step of the clock in ms; 0 for one that never moved while it was watched. */
export function clockGrain(clock: Clock): number {
  let grain = Number.POSITIVE_INFINITY;
  let steps = 0;
  let previous = clock();
  for (let i = 0; i < MAX_CLOCK_READS && steps < CLOCK_STEPS; i++) {
    const now = clock();
    if (now === previous) continue;
    grain = Math.min(grain, now - previous);
    previous = now;
    steps++;
  }
  return steps === 0 ? 0 : grain;
}

/** Forwards to time together so that grain / (group * baseMs) <= epsilon / 10; undefined where even 64 are too few. */
export function forwardsPerSample(grainMs: number, baseMs: number, epsilon: number): number | undefined {
  const group = Math.max(1, Math.ceil(grainMs / (GRAIN_SHARE * epsilon * baseMs)));
  return group <= MAX_GROUP ? group : undefined;
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
    const known = nullSamples.length >= Math.max(MIN_NULL_SAMPLES, MIN_NULL_SHARE * baseMs.length);
    const smallestRatio = known ? smallestRatioOf(pooledScale([nullSamples])) : Number.POSITIVE_INFINITY;
    const resolvable = smallestRatio <= 1 + epsilon / 2;
    if (resolvable || round === AA_ROUNDS) return { baseMs, nullSamples, smallestRatio, resolvable };
  }
}

/** The smallest ratio that noise of this scale leaves apart from 1. */
export function smallestRatioOf(noiseScale: number): number {
  return Math.exp(expectedHalfWidth(noiseScale, MAX_SAMPLES_PER_POINT));
}

// Like a sample of any n: each timing against the two anchors around it, where those agree. One forward that something cut
// into would otherwise spoil three samples.
function nullRatios(baseMs: readonly number[]): number[] {
  const ratios: number[] = [];
  for (let i = 1; i + 1 < baseMs.length; i++) {
    const [before, now, after] = [baseMs[i - 1]!, baseMs[i]!, baseMs[i + 1]!];
    if (Math.abs(Math.log(after / before)) <= ANCHOR_GATE) ratios.push(Math.log(now / Math.sqrt(before * after)));
  }
  return ratios;
}
