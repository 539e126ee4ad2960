import type { RecordedVariant } from "../recording.ts";

/** `flat`: eight positions for at most the price of one and a half. `hard`: cliffs, inversions, mixtures of experts. `sloped`: the rest. */
export type CurveKind = "flat" | "sloped" | "hard";

/** r(n) of a machine, frozen. */
export interface ReplayCurve {
  readonly name: string;
  readonly kind: CurveKind;
  /** Where the numbers come from. */
  readonly source: string;
  /** Whose tokens are replayed on it. */
  readonly variant: RecordedVariant;
  /** T(1) in ms on an empty context. */
  readonly baseMs: number;
  /** Pairs [n, r(n)] from 1 to 32; between two of them a straight line. */
  readonly points: readonly (readonly [number, number])[];
}

/** ratios[n-1] = r(n) for n = 1..32. */
export function ratiosOf({ points }: ReplayCurve): Float64Array {
  const ratios = new Float64Array(points.at(-1)![0]);
  let right = 0;
  for (let n = 1; n <= ratios.length; n++) {
    while (points[right]![0] < n) right++;
    const [n1, r1] = points[right]!;
    const [n0, r0] = points[Math.max(0, right - 1)]!;
    ratios[n - 1] = n1 === n ? r1 : r0 + ((r1 - r0) * (n - n0)) / (n1 - n0);
  }
  return ratios;
}
