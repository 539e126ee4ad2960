import type { CurvePoint, Profile } from "./profile.ts";
import { isImpossible } from "./profile-standing.ts";

/** A step of cost below this share is inside the measurement's doubt: sampling stops at a half-width of 2%. */
export const STAIR_STEP = 0.02;

/** One profile, spread over every n. */
export interface CellCurve {
  readonly contextLength: number;
  // [n-1]: ms of n rows, and the interval's ends
  readonly costMs: Float64Array;
  readonly lowMs: Float64Array;
  readonly highMs: Float64Array;
  // [n-1]: 1 where n itself was measured
  readonly measured: Uint8Array;
  // [n-1]: the first n of its stair
  readonly stairStart: Int32Array;
}

/** A straight line between the measured n; `size` is at most the last of them. */
export function spread(profile: Profile, size: number): CellCurve {
  const cell: CellCurve = {
    contextLength: profile.key.cell.contextLength,
    costMs: new Float64Array(size),
    lowMs: new Float64Array(size),
    highMs: new Float64Array(size),
    measured: new Uint8Array(size),
    stairStart: new Int32Array(size),
  };
  const points = profile.points.map(priced);
  let right = 0;
  for (let n = 1; n <= size; n++) {
    while (points[right]!.positions < n) right++;
    const b = points[right]!;
    const a = b.positions === n ? b : points[right - 1]!;
    const weight = a === b ? 0 : (n - a.positions) / (b.positions - a.positions);
    cell.costMs[n - 1] = profile.baseMs * (a.ratio + weight * (b.ratio - a.ratio));
    cell.lowMs[n - 1] = profile.baseMs * (a.low + weight * (b.low - a.low));
    cell.highMs[n - 1] = profile.baseMs * (a.high + weight * (b.high - a.high));
    cell.measured[n - 1] = a === b ? 1 : 0;
  }
  markStairs(cell);
  return cell;
}

/** A point that says what cannot be is priced as if every row cost a forward: nothing is ever gained by it. */
function priced(point: CurvePoint): CurvePoint {
  const { positions } = point;
  return isImpossible(point) ? { ...point, ratio: positions, low: positions, high: positions } : point;
}

function markStairs({ costMs, stairStart }: CellCurve): void {
  let start = 1;
  for (let n = 1; n <= costMs.length; n++) {
    const startMs = costMs[start - 1]!;
    if (Math.abs(costMs[n - 1]! - startMs) > startMs * STAIR_STEP) start = n;
    stairStart[n - 1] = start;
  }
}

/** Whether rows i + 1 lie on stairs of their own in two cells: these begin elsewhere, and their ratios are certainly not the same. */
export function differ(a: CellCurve, b: CellCurve, i: number): boolean {
  if (a === b || a.stairStart[i] === b.stairStart[i]) return false;
  const [aMs, bMs] = [a.costMs[0]!, b.costMs[0]!];
  return a.highMs[i]! / aMs < b.lowMs[i]! / bMs || b.highMs[i]! / bMs < a.lowMs[i]! / aMs;
}
