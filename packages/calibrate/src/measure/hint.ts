import { type Measurement, prefixFree } from "@nearfree/core";
import { SCHEDULER_POINTS } from "./sweep.ts";

/** A boundary this many times the neighbours' extremes, or a part of them, is a surprise. */
const BOUNDARY_FACTOR = 2;
/** Error (as a ratio) of a straight line between sampled points that a scheduler does not mind. */
const LINE_ERROR = 0.06;
/** Most points sampled for the shape of the curve, besides those around the boundary. */
const MAX_SHAPE_POINTS = 3;
/** Below the boundary one n is looked at in each octave, where tiles would show a curve that rises and falls again. */
const CHECKPOINTS = [2, 6, 12, 24, 48] as const;

/**
 * What measured neighbours let expect of a cell: where to look first, and how little is enough where they prove right. Never
 * evidence: everything that is claimed of the cell is measured on it.
 */
export interface Hint {
  /** Where the boundary should be. */
  readonly boundary: number;
  /** A boundary outside of these, or a dear n below, contradicts the hint. */
  readonly lowest: number;
  readonly highest: number;
  /** Below the boundary: n that have to be near-free here too, or the curve is another one. */
  readonly checkpoints: readonly number[];
  /** Points between which the neighbours' curves are nearly straight, up to the widest that they measured. */
  readonly shape: readonly number[];
  /** n whose bits have to be compared here too: a bitwise schedule may use what was compared in every cell. */
  readonly compared: readonly number[];
  /** log T(n)/T(1) at the neighbours, least and most; undefined beyond their points. */
  expected(n: number): { readonly low: number; readonly high: number } | undefined;
}

/** Undefined where no neighbour knows its boundary. */
export function createHint(
  neighbours: readonly Measurement[],
  { epsilon, maxPositions }: { readonly epsilon: number; readonly maxPositions: number },
): Hint | undefined {
  const curves = neighbours.filter(({ run, points }) => run.stop !== "unresolvable" && points.length > 1);
  if (curves.length === 0) return undefined;
  const boundaries = curves.map((curve) => Math.min(maxPositions, prefixFree(curve, epsilon)));
  const boundary = Math.round(Math.exp(mean(boundaries.map(Math.log))));
  const checkpoints = checkpointsBelow(boundary, curves, epsilon);
  const reach = Math.min(maxPositions, ...curves.map(({ points }) => points.at(-1)!.positions));
  const around = [1, ...checkpoints, boundary, boundary + 1].filter((n) => n <= reach);
  return {
    boundary,
    lowest: Math.ceil(Math.min(...boundaries) / BOUNDARY_FACTOR),
    highest: Math.max(...boundaries) * BOUNDARY_FACTOR,
    checkpoints,
    shape: shapePoints(curves, around, reach),
    compared: SCHEDULER_POINTS.filter(
      (n) => n <= maxPositions && curves.every(({ invariance }) => invariance.classes.flat().includes(n)),
    ),
    expected(n) {
      const ratios = curves.flatMap((curve) => ratioAt(curve, n) ?? []).map(Math.log);
      return ratios.length === 0 ? undefined : { low: Math.min(...ratios), high: Math.max(...ratios) };
    },
  };
}

/** One n in each octave, and the dearest that a neighbour was not sure of. */
function checkpointsBelow(boundary: number, curves: readonly Measurement[], epsilon: number): number[] {
  const doubtful = curves
    .flatMap(({ points }) => points)
    .filter(({ positions, high }) => positions > 2 && positions < boundary - 1 && high > 1 + epsilon)
    .sort((a, b) => b.ratio - a.ratio)
    .slice(0, 1);
  const all = new Set([...CHECKPOINTS, ...doubtful.map(({ positions }) => positions)]);
  return [...all].filter((n) => n < boundary).sort((a, b) => a - b);
}

/** The points to add to `around` so that straight lines between them all follow the neighbours' mean curve up to `reach`. */
function shapePoints(curves: readonly Measurement[], around: readonly number[], reach: number): number[] {
  const ratio = (n: number) => mean(curves.map((curve) => ratioAt(curve, n)!));
  const candidates = new Set(curves.flatMap(({ points }) => points.map(({ positions }) => positions)));
  const chosen = reach > around.at(-1)! ? [reach] : [];
  while (chosen.length < MAX_SHAPE_POINTS) {
    const known = [...around, ...chosen].sort((a, b) => a - b);
    let [worst, worstError] = [0, LINE_ERROR];
    for (const n of candidates) {
      if (n > reach) continue;
      const right = known.findIndex((each) => each >= n);
      const [a, b] = [known[Math.max(0, right - 1)]!, known[right]!];
      const line = a === b ? ratio(a) : ratio(a) + ((n - a) / (b - a)) * (ratio(b) - ratio(a));
      const error = Math.abs(line / ratio(n) - 1);
      if (error > worstError) [worst, worstError] = [n, error];
    }
    if (worst === 0) break;
    chosen.push(worst);
  }
  return chosen.sort((a, b) => a - b);
}

/** r(n), on the straight line between the points around it; undefined beyond the last. */
function ratioAt({ points }: Measurement, n: number): number | undefined {
  const right = points.findIndex(({ positions }) => positions >= n);
  if (right === -1) return undefined;
  const b = points[right]!;
  if (b.positions === n) return b.ratio;
  const a = points[right - 1]!;
  return a.ratio + ((n - a.positions) / (b.positions - a.positions)) * (b.ratio - a.ratio);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
