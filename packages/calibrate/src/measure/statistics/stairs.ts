import type { Stair } from "@nearfree/core";
import type { Samples } from "./samples.ts";
import { estimateMedian, INTERVAL_Z } from "./stats.ts";

/** One measured n of the curve. */
export interface StepPoint {
  readonly positions: number;
  /** log T(n)/T(1), and the half-width of its interval. */
  readonly centre: number;
  readonly halfWidth: number;
  readonly samples: number;
}

/** Between two stairs: the last n of one and the first of the next. */
export interface Step {
  readonly below: number;
  readonly above: number;
}

/** Differences of cost (log) below this are no step: a scheduler would gain nothing from them. */
const FLAT = 0.02;
/** A step (log) that is worth its exact n, and that shows a tile. */
export const CLEAR_STEP = 0.05;
/**
 * A step needs no direct pairs where both sides have so many samples, this many times their joint doubt apart: the largest of many
 * steps is no random one, and the few samples of one n may all have been disturbed by the same thing.
 */
const CLEAR_SAMPLES = 5;
const CLEAR_OF_DOUBT = 3;
/** Direct pairs that a step in doubt needs before it is believed. */
export const STEP_PAIRS = 6;
/** What one more stair must save in squared standard errors. BIC's 2 ln(m) for the 20 or so points of a sweep. */
const STEP_PENALTY = 6;

/** The measured curve, n = 1 first, without points whose interval is not known. */
export function stepPoints(samples: Samples): StepPoint[] {
  const rest = samples.measured.map((positions) => ({ positions, ...samples.estimate(positions) }));
  const first: StepPoint = { positions: 1, centre: 0, halfWidth: 0, samples: samples.anchorsMs.length };
  return [first, ...rest.filter(({ halfWidth }) => Number.isFinite(halfWidth))];
}

/**
 * The runs of n at one cost: the partition of the points into constant stretches with the least sum of squared residuals, in
 * standard errors, plus a penalty on each step (Jackson et al. 2005, "optimal partitioning"). A step is confirmed where its two sides
 * lie far apart, or where direct pairs have `proved` it. Sorted by positions; nothing is forced to rise.
 */
export function findStairs(points: readonly StepPoint[], proved: readonly Step[] = []): Stair[] {
  const starts = partition(points);
  return starts.map((start, i) => {
    const end = (starts[i + 1] ?? points.length) - 1;
    const [first, last, next] = [points[start]!, points[end]!, points[end + 1]];
    return {
      from: first.positions,
      to: last.positions,
      ratio: Math.exp(fit(points, start, end).mean),
      confirmed:
        next !== undefined &&
        (isClear(last, next) ||
          proved.some(({ below, above }) => below === last.positions && above === next.positions)),
    };
  });
}

/**
 * The width that most stairs share, from clear right edges known to a single n (both sides of the step measured); undefined where
 * no two stairs agree, or fewer than half do: a curve that rises smoothly has no tiles. The first right edge counts as a width.
 */
export function modalWidth(stairs: readonly Stair[]): number | undefined {
  const edges = stairs.filter(({ to, confirmed }, i) => {
    const next = stairs[i + 1];
    return confirmed && next?.from === to + 1 && stepHeight(stairs, i) >= CLEAR_STEP;
  });
  const widths = edges.map(({ to }, i) => to - (edges[i - 1]?.to ?? 0));
  const counts = new Map<number, number>();
  for (const width of widths) counts.set(width, (counts.get(width) ?? 0) + 1);
  const [best] = [...counts].sort(([a, timesA], [b, timesB]) => timesB - timesA || a - b);
  return best !== undefined && best[1] >= Math.max(2, widths.length / 2) ? best[0] : undefined;
}

function isClear(a: StepPoint, b: StepPoint): boolean {
  if (Math.min(a.samples, b.samples) < CLEAR_SAMPLES) return false;
  return Math.abs(b.centre - a.centre) > CLEAR_OF_DOUBT * Math.hypot(a.halfWidth, b.halfWidth);
}

/** The steps worth a kernel's name that are not confirmed yet, highest first. */
export function stepsInDoubt(stairs: readonly Stair[]): Step[] {
  return stairs
    .flatMap(({ to, confirmed }, i) => {
      const height = stepHeight(stairs, i);
      return confirmed || height < CLEAR_STEP ? [] : [{ below: to, above: stairs[i + 1]!.from, height }];
    })
    .sort((a, b) => b.height - a.height)
    .map(({ below, above }) => ({ below, above }));
}

/** Whether direct pairs, log T(above)/T(below), show a step: 0 lies as far outside of their interval as that is wide. */
export function provesStep(logRatios: readonly number[], noiseScale: number): boolean {
  if (logRatios.length < STEP_PAIRS) return false;
  const { centre, halfWidth } = estimateMedian(logRatios, noiseScale);
  return Math.abs(centre) > 2 * halfWidth;
}

/** Height (log, of either sign) of the step after stair i; 0 after the last. */
export function stepHeight(stairs: readonly Stair[], i: number): number {
  const [stair, next] = [stairs[i], stairs[i + 1]];
  return stair === undefined || next === undefined ? 0 : Math.abs(Math.log(next.ratio / stair.ratio));
}

/** Indices at which the segments of the best partition start. */
function partition(points: readonly StepPoint[]): number[] {
  const best = [0]; // best[k]: least cost of the first k points.
  const startOf: number[] = []; // startOf[k]: start of the last segment of the first k + 1 points.
  for (let end = 0; end < points.length; end++) {
    best[end + 1] = Number.POSITIVE_INFINITY;
    for (let start = 0; start <= end; start++) {
      const cost = best[start]! + STEP_PENALTY + fit(points, start, end).error;
      if (cost >= best[end + 1]!) continue;
      best[end + 1] = cost;
      startOf[end] = start;
    }
  }
  const starts: number[] = [];
  for (let end = points.length - 1; end >= 0; end = startOf[end]! - 1) starts.unshift(startOf[end]!);
  return starts;
}

/** Weighted mean of points start..end, and their squared residuals in standard errors. */
function fit(points: readonly StepPoint[], start: number, end: number): { mean: number; error: number } {
  let [weights, sum, squares] = [0, 0, 0];
  for (let i = start; i <= end; i++) {
    const { centre, halfWidth } = points[i]!;
    const weight = 1 / ((halfWidth / INTERVAL_Z) ** 2 + (FLAT / 2) ** 2);
    weights += weight;
    sum += weight * centre;
    squares += weight * centre ** 2;
  }
  return { mean: sum / weights, error: Math.max(0, squares - sum ** 2 / weights) };
}
