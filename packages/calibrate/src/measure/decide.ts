import { type Boundary, type CurvePoint, LEAST_RATIO, type Level } from "@nearfree/core";
import { MAX_SAMPLES_PER_POINT } from "./qualify.ts";
import type { Samples } from "./statistics/samples.ts";

/** What a verdict may be off by, as a ratio minus 1: a point whose interval ends that far beyond the threshold is left as `~`. */
export const CLOSE_ENOUGH = 0.02;
/** Samples before an interval is believed. */
export const MIN_SAMPLES = 3;
/** Two samples suffice where the threshold is this many half-widths away. */
const CLEAR_OF_DOUBT = 2;

const LEAST_LOG_RATIO = Math.log(LEAST_RATIO);

/** What is known of one n against one threshold. */
export interface Verdict {
  /** The centre lies at or below 1 + epsilon. */
  readonly free: boolean;
  /** `budget` while more samples could still decide. */
  readonly level: Level;
  /** No more samples are wanted: decided, close enough, or as many as a point may take. */
  readonly closed: boolean;
}

/** Judges n against 1 + epsilon; undefined where it was never sampled. */
export function judge(samples: Samples, positions: number, epsilon: number): Verdict | undefined {
  const count = samples.count(positions);
  if (count === 0) return undefined;
  const { centre, halfWidth } = samples.estimate(positions);
  const threshold = Math.log1p(epsilon);
  // What cannot be is no finding, however narrow its interval.
  if (centre < LEAST_LOG_RATIO) return { free: false, level: "budget", closed: count >= MAX_SAMPLES_PER_POINT };
  const distance = Math.abs(centre - threshold);
  const free = centre <= threshold;
  const clear = count >= MIN_SAMPLES ? halfWidth : CLEAR_OF_DOUBT * halfWidth;
  if (count >= 2 && distance > clear) return { free, level: "certified", closed: true };
  const beyond = free ? centre + halfWidth - threshold : threshold - (centre - halfWidth);
  if (count >= MIN_SAMPLES && beyond <= Math.log1p(CLOSE_ENOUGH)) return { free, level: "~", closed: true };
  return { free, level: "budget", closed: count >= MAX_SAMPLES_PER_POINT };
}

/** The measured curve, n = 1 first; levels are those against `epsilon`. */
export function curvePoints(samples: Samples, epsilon: number): CurvePoint[] {
  const first: CurvePoint = {
    positions: 1,
    ratio: 1,
    low: 1,
    high: 1,
    samples: samples.anchorsMs.length,
    level: "certified",
  };
  const rest = samples.measured.flatMap((positions): CurvePoint[] => {
    const { centre, halfWidth } = samples.estimate(positions);
    if (!Number.isFinite(halfWidth)) return [];
    const point: CurvePoint = {
      positions,
      ratio: Math.exp(centre),
      low: Math.exp(centre - halfWidth),
      high: Math.exp(centre + halfWidth),
      samples: samples.count(positions),
      level: judge(samples, positions, epsilon)?.level ?? "budget",
      logRatios: samples.of(positions).map((ratio) => Number(ratio.toFixed(5))),
    };
    return [point];
  });
  return [first, ...rest];
}

/** The boundary for `epsilon` and how sure it is: as sure as the least certain of the points below it and of the one above. */
export function boundaryOf(samples: Samples, epsilon: number, maxPositions: number): Boundary {
  let prefixFree = 1;
  const levels: Level[] = [];
  let above: number | undefined;
  for (const positions of samples.measured) {
    const verdict = judge(samples, positions, epsilon)!;
    levels.push(verdict.level);
    if (!verdict.free) {
      above = positions;
      break;
    }
    prefixFree = positions;
  }
  const closed = above === undefined ? prefixFree === maxPositions : above === prefixFree + 1;
  const freeSet = freeRanges(samples, epsilon);
  return { epsilon, prefixFree, level: closed ? leastCertain(levels) : "budget", freeSet };
}

/** Ranges [first, last] of measured n that are free one after another; the first holds n = 1. */
function freeRanges(samples: Samples, epsilon: number): [number, number][] {
  const ranges: [number, number][] = [[1, 1]];
  let inside = true;
  for (const positions of samples.measured) {
    const free = judge(samples, positions, epsilon)!.free;
    if (free && inside) ranges.at(-1)![1] = positions;
    else if (free) ranges.push([positions, positions]);
    inside = free;
  }
  return ranges;
}

const BY_CERTAINTY: readonly Level[] = ["certified", "~", "budget", "unresolvable"];

function leastCertain(levels: readonly Level[]): Level {
  return levels.reduce((a, b) => (BY_CERTAINTY.indexOf(b) > BY_CERTAINTY.indexOf(a) ? b : a), "certified");
}
