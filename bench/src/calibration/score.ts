/** How far cost may lie from the threshold before a boundary counts as wrong: 2% either way. */
export const BAND = 1.02;
/** Reference costs of one stair lie this close together. */
const SAME_STAIR = 1.02;

/** r(n) of the reference; undefined where it was not measured. 1 at n = 1. */
export type RatioOf = (n: number) => number | undefined;

export interface Threshold {
  readonly epsilon: number;
  readonly maxPositions: number;
}

/**
 * A boundary is right when its own cost is at most the threshold and that of the next n at least the threshold, each within
 * 2%. The largest n of all has no next.
 */
export function isRight(boundary: number, ratioOf: RatioOf, { epsilon, maxPositions }: Threshold): boolean {
  const own = ratioOf(boundary) ?? Number.NaN;
  const next = boundary === maxPositions ? Number.POSITIVE_INFINITY : (ratioOf(boundary + 1) ?? Number.NaN);
  return own <= (1 + epsilon) * BAND && next >= (1 + epsilon) / BAND;
}

/** Whether any n up to the boundary costs over 2% more than the threshold. */
export function isUnsafe(boundary: number, ratioOf: RatioOf, { epsilon }: Threshold): boolean {
  for (let n = 2; n <= boundary; n++) if ((ratioOf(n) ?? 0) > (1 + epsilon) * BAND) return true;
  return false;
}

/** The most frequent value; of several the smallest. NaN of nothing. */
export function mode(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const [first] = [...counts].sort(([a, timesA], [b, timesB]) => timesB - timesA || a - b);
  return first?.[0] ?? Number.NaN;
}

/** Whether two boundaries are the same, or ends of stretches at one cost: within 2% by the reference. */
export function isSameStair(a: number, b: number, ratioOf: RatioOf): boolean {
  if (a === b) return true;
  const [first, second] = [ratioOf(a), ratioOf(b)];
  if (first === undefined || second === undefined) return false;
  return Math.max(first / second, second / first) <= SAME_STAIR;
}

/** The n whose cost decides about `boundaries`: both sides of each, and likely edges below them, where a dear n may hide. */
export function decidingPositions(
  boundaries: Iterable<number>,
  edges: readonly number[],
  maxPositions: number,
): number[] {
  const all = new Set<number>();
  for (const boundary of boundaries) {
    for (const n of [boundary - 1, boundary, boundary + 1]) all.add(n);
    for (const n of edges) if (n < boundary) all.add(n);
  }
  return [...all].filter((n) => n >= 2 && n <= maxPositions).sort((a, b) => a - b);
}
