import { median } from "@nearfree/calibrate";
import type { Clock } from "@nearfree/core";
import type { Probe } from "@nearfree/core/measure";
import { Reference, type ReferencePoint } from "../calibration/reference.ts";

/** A step of the curve: n costs more than n - 1 by far more than the n around it. */
export interface Step {
  /** First n of the new tile. */
  readonly positions: number;
  /** log T(n) - log T(n - 1). */
  readonly height: number;
}

/** Curve of every n in 2..widest, by anchored pairs taken in interleaved slices. */
export async function denseCurve(
  probe: Probe,
  { clock, random, widest, pairs }: { clock: Clock; random: () => number; widest: number; pairs: number },
): Promise<ReferencePoint[]> {
  const reference = new Reference(probe, clock, random);
  const positions = Array.from({ length: widest - 1 }, (_, i) => i + 2);
  const slice = 5;
  for (let done = 0; done < pairs; done += slice) await reference.slice(positions, slice);
  return reference.points;
}

/** Least height (log) of a step that is worth a tile's name, and how many times the typical rise from n to n + 1 it must be. */
const CLEAR_STEP = 0.04;
const TYPICAL_RISES = 2;

/**
 * The clear steps of a dense curve: rises that stand out from the typical one (the median: passes over rows add up, so a curve
 * without tiles is a line), are above their own doubt, and are no smaller than those next to them. No tile is assumed.
 */
export function clearSteps(points: readonly ReferencePoint[]): Step[] {
  const rises = points.slice(1).map((point, i) => {
    const before = points[i]!;
    return {
      positions: point.positions,
      rise: point.ratio - before.ratio,
      height: Math.log(point.ratio / before.ratio),
      doubt: 3 * Math.hypot(point.error, before.error),
    };
  });
  const typical = median(rises.map(({ rise }) => Math.max(0, rise)));
  return rises
    .filter(({ rise, height, doubt }, i) => {
      const beside = Math.max(rises[i - 1]?.rise ?? 0, rises[i + 1]?.rise ?? 0);
      return height > Math.max(CLEAR_STEP, doubt) && rise > TYPICAL_RISES * typical && rise >= beside;
    })
    .map(({ positions, height }) => ({ positions, height }));
}

/** Whether a step was found at one of `expected` or right beside it. */
export function isFoundNear(steps: readonly Step[], expected: readonly number[], tolerance = 1): boolean {
  return steps.some(({ positions }) => expected.some((n) => Math.abs(n - positions) <= tolerance));
}
