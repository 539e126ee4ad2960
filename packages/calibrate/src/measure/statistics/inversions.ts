import type { Inversion } from "@nearfree/core";
import type { StepPoint } from "./stairs.ts";
import { estimateMedian } from "./stats.ts";

/** Direct pairs that an inversion needs before it is believed. */
export const INVERSION_PAIRS = 6;
/** Gain (log) below which padding is not worth its rows. */
const SMALLEST_GAIN = 0.02;

/** A wider forward that looks cheaper than `positions`. */
export interface InversionCandidate {
  readonly positions: number;
  readonly cheaper: number;
}

/** Half-widths by which the pairs must lie below 0: the candidates are the most conspicuous of many. */
const CLEAR_OF_DOUBT = 1.5;
/** The gain must also be this share of the doubt about both sides, or every second flat stretch would have a candidate. */
const SHARE_OF_DOUBT = 0.5;

/**
 * For each n the cheapest wider point, where the typical ratios say that padding n up to it would pay. Largest gain first, since
 * measuring may end before the last.
 */
export function inversionCandidates(points: readonly StepPoint[]): InversionCandidate[] {
  return points
    .flatMap((point, i) => {
      const wider = points.slice(i + 1).sort((a, b) => a.centre - b.centre)[0];
      const gain = wider === undefined ? 0 : point.centre - wider.centre;
      const doubt = wider === undefined ? 0 : Math.hypot(point.halfWidth, wider.halfWidth);
      return wider !== undefined && gain > Math.max(SMALLEST_GAIN, SHARE_OF_DOUBT * doubt)
        ? [{ positions: point.positions, cheaper: wider.positions, gain }]
        : [];
    })
    .sort((a, b) => b.gain - a.gain)
    .map(({ positions, cheaper }) => ({ positions, cheaper }));
}

/** The inversion that direct pairs, log T(cheaper)/T(positions), confirm: they lie well below 0. */
export function confirmInversion(
  { positions, cheaper }: InversionCandidate,
  logRatios: readonly number[],
  noiseScale: number,
): Inversion | undefined {
  if (logRatios.length < INVERSION_PAIRS) return undefined;
  const { centre, halfWidth } = estimateMedian(logRatios, noiseScale);
  if (centre > -Math.max(SMALLEST_GAIN, CLEAR_OF_DOUBT * halfWidth)) return undefined;
  return { positions, cheaper, ratio: Math.exp(centre), pairs: logRatios.length };
}
