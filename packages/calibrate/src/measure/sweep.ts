import { CLOSE_ENOUGH, judge, MIN_SAMPLES } from "./decide.ts";
import type { Samples } from "./statistics/samples.ts";
import { CLEAR_STEP, findStairs, stepHeight, stepPoints } from "./statistics/stairs.ts";

/** Both sides of the edges that kernels are likely to have: tiles and passes of 4, 6, 8, 12, 16, 24, 32, 48 and 64 rows. */
export const LIKELY_EDGES = [2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 16, 17, 24, 25, 32, 33, 48, 49, 64] as const;
/** What a scheduler needs to know beyond the boundary: cost up to where decoding could ever pay. */
export const SCHEDULER_POINTS = [2, 3, 4, 6, 8, 12, 16, 24, 32] as const;
/** The edges' right sides, tried first: the other sides matter once the walk has passed, or something between is not free. */
const FIRST_PASS: readonly number[] = [...SCHEDULER_POINTS, 48, 64];
/** Beyond this many positions a curve this steep (ratio over positions) is left alone: nothing there can pay. */
const STEEP_FROM = 6;
const STEEP = 2 / 3;
/** A scheduler's point is sampled again while its interval (log) is wider than this, up to so many samples. */
const THIN_HALF_WIDTH = 0.1;
const MAX_THIN_SAMPLES = 7;
/** Samples of the point that ends the walk; of one not far above the threshold; of one that a wider forward undercuts. */
const EDGE_SAMPLES = 5;
const CLOSE_EDGE_SAMPLES = 8;
const REENTRY_SAMPLES = 14;
/** Numbers of positions measured in one block. */
export const BLOCK = 4;

export interface SweepGoals {
  readonly maxPositions: number;
  /** The epsilon whose boundary is measured first. */
  readonly epsilon: number;
  /** Further values of epsilon, served while `extra` holds. */
  readonly otherEpsilons: readonly number[];
  /** Whether the budget is nearly spent: the scheduler's points come before a boundary that has had its chance. */
  readonly late: boolean;
  /** Whether there is still budget for more than the boundary of `epsilon` and the scheduler's points. */
  readonly extra: boolean;
  /** Whether there is still budget for the exact right edges of the other stairs. */
  readonly edges: boolean;
}

/** What to sample next, most urgent first, at most `BLOCK` distinct n; empty when every question is answered. Pure. */
export function nextPositions(samples: Samples, goals: SweepGoals): number[] {
  const boundary = openQuestions(samples, goals.epsilon, goals.maxPositions);
  const thin = thinPoints(samples, goals.maxPositions);
  const wanted = new Set(goals.late ? [...thin, ...boundary] : [...boundary, ...thin]);
  if (goals.extra) {
    for (const epsilon of goals.otherEpsilons) {
      for (const n of openQuestions(samples, epsilon, goals.maxPositions)) wanted.add(n);
    }
  }
  if (goals.edges) for (const n of looseEdges(samples)) wanted.add(n);
  return [...wanted].slice(0, BLOCK);
}

/**
 * The n whose samples can still move the boundary for `epsilon`: up the right edges to the first point that is not free, a few
 * at a time since a block holds several; inside the bracket around that edge; then the likely edges that the walk stepped over.
 */
export function openQuestions(samples: Samples, epsilon: number, maxPositions: number): number[] {
  const first = openOn(grid(FIRST_PASS, samples, maxPositions), samples, epsilon);
  return first.length > 0 ? first : openOn(grid(LIKELY_EDGES, samples, maxPositions), samples, epsilon);
}

function openOn(points: readonly number[], samples: Samples, epsilon: number): number[] {
  let free = 1;
  const open: number[] = [];
  for (const n of points) {
    const verdict = judge(samples, n, epsilon);
    if (verdict?.closed !== true) open.push(n);
    if (verdict?.free === false && samples.count(n) >= 2) {
      if (open.length === 0 && samples.count(n) < confirmingSamples(samples, n, epsilon)) open.push(n);
      return open.length > 0 ? mostDoubtful(open, samples, epsilon) : insideBracket(free, n);
    }
    // One after the other they are looked at, before any of them is looked at closely.
    if (open.filter((each) => samples.count(each) < MIN_SAMPLES).length === BLOCK) break;
    free = n;
  }
  return mostDoubtful(open, samples, epsilon);
}

/** Of the open n those with hardly a sample; else those whose verdict is most in doubt. */
function mostDoubtful(open: readonly number[], samples: Samples, epsilon: number): number[] {
  const thin = open.filter((n) => samples.count(n) < MIN_SAMPLES);
  if (thin.length > 0) return thin.slice(0, BLOCK);
  const doubt = (n: number) => {
    const { centre, halfWidth } = samples.estimate(n);
    return halfWidth / (Math.abs(centre - Math.log1p(epsilon)) + Math.log1p(CLOSE_ENOUGH));
  };
  return [...open].sort((a, b) => doubt(b) - doubt(a)).slice(0, BLOCK);
}

/** A few disturbed samples in a row must not end the walk, least of all below points that are free: that needs a second look. */
function confirmingSamples(samples: Samples, n: number, epsilon: number): number {
  const reenters = samples.measured.some((wider) => wider > n && judge(samples, wider, epsilon)?.free === true);
  if (reenters) return REENTRY_SAMPLES;
  return samples.estimate(n).centre < 2 * Math.log1p(epsilon) ? CLOSE_EDGE_SAMPLES : EDGE_SAMPLES;
}

/** Everything between the sides of a narrow bracket, the middle of a wide one; empty where they touch. */
function insideBracket(free: number, above: number): number[] {
  if (above - free > BLOCK) return [Math.floor((free + above) / 2)];
  return Array.from({ length: above - free - 1 }, (_, i) => free + 1 + i);
}

/** Inside the steps of which only the neighbourhood is known, and what was begun there: right edges are worth an exact n. */
function looseEdges(samples: Samples): number[] {
  const begun = samples.measured.filter((n) => samples.count(n) < MIN_SAMPLES);
  const stairs = findStairs(stepPoints(samples));
  const inside = stairs.flatMap(({ to }, i) => {
    const next = stairs[i + 1];
    return next !== undefined && stepHeight(stairs, i) >= CLEAR_STEP ? insideBracket(to, next.from).slice(0, 1) : [];
  });
  return [...begun, ...inside];
}

function grid(points: readonly number[], samples: Samples, maxPositions: number): number[] {
  const all = new Set([...points, ...samples.measured, maxPositions]);
  return [...all].filter((n) => n > 1 && n <= maxPositions).sort((a, b) => a - b);
}

/** Whether a point of the curve's shape wants another sample. */
export function isThin(samples: Samples, n: number): boolean {
  const count = samples.count(n);
  if (count < MIN_SAMPLES) return true;
  return count < MAX_THIN_SAMPLES && samples.estimate(n).halfWidth > THIN_HALF_WIDTH;
}

/** Scheduler points with too few samples, as far up as decoding could pay. */
export function thinPoints(samples: Samples, maxPositions: number): number[] {
  const thin: number[] = [];
  for (const n of SCHEDULER_POINTS) {
    if (n > maxPositions) break;
    if (isThin(samples, n)) thin.push(n);
    if (n >= STEEP_FROM && samples.count(n) > 0 && Math.exp(samples.estimate(n).centre) > n * STEEP) break;
  }
  return thin;
}
