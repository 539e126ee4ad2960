/** Standard deviation of a normal distribution over its median absolute deviation. */
const MAD_TO_SIGMA = 1.4826;
/** Standard error of the median of a normal sample over that of its mean: sqrt(pi / 2). */
const MEDIAN_EFFICIENCY = 1.2533;
/** Weight, in samples, of the noise seen at every n when the noise at one n is estimated. */
const PRIOR_SAMPLES = 8;
/** Normal quantile of the two-sided intervals: 98%. Above the customary 95%, since a sequential stop looks many times. */
export const INTERVAL_Z = 2.326;

/** A location with its interval, both in the units of the samples. */
export interface Estimate {
  readonly centre: number;
  readonly halfWidth: number;
  readonly samples: number;
}

/** Median; NaN of nothing. */
export function median(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
  const sorted = Float64Array.from(values).sort();
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/**
 * Robust standard deviation of samples that share their noise but not their centre: each group's residuals from its own
 * median, widened by sqrt(n / (n - 1)) for the degree of freedom that the median took. NaN without two samples in a group.
 */
export function pooledScale(groups: Iterable<readonly number[]>): number {
  const residuals: number[] = [];
  for (const group of groups) {
    if (group.length < 2) continue;
    const centre = median(group);
    const widen = Math.sqrt(group.length / (group.length - 1));
    for (const value of group) residuals.push(Math.abs(value - centre) * widen);
  }
  return MAD_TO_SIGMA * median(residuals);
}

/**
 * Median with the interval `t * 1.2533 * s / sqrt(n)`. Of a few samples the MAD is itself a guess, and a lucky one would stop
 * the measuring: s mixes it with the scale of the noise at every n, as if that had been seen in `PRIOR_SAMPLES` more samples
 * (a moderated t statistic: Smyth 2004).
 */
export function estimate(samples: readonly number[], noiseScale: number): Estimate {
  const n = samples.length;
  const centre = median(samples);
  const own = n < 2 ? noiseScale : pooledScale([samples]);
  const freedom = PRIOR_SAMPLES + n - 1;
  const scale = Math.sqrt((PRIOR_SAMPLES * noiseScale ** 2 + (n - 1) * own ** 2) / freedom);
  const halfWidth = (studentQuantile(INTERVAL_Z, freedom) * MEDIAN_EFFICIENCY * scale) / Math.sqrt(n);
  return { centre, halfWidth, samples: n };
}

/** Half-width that `samples` samples of this noise would leave. */
export function expectedHalfWidth(noiseScale: number, samples: number): number {
  return (INTERVAL_Z * MEDIAN_EFFICIENCY * noiseScale) / Math.sqrt(samples);
}

/** Student quantile with `freedom` degrees for the normal quantile `z` (Abramowitz & Stegun 26.7.5). */
export function studentQuantile(z: number, freedom: number): number {
  const g1 = (z ** 3 + z) / 4;
  const g2 = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96;
  const g3 = (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384;
  return z + g1 / freedom + g2 / freedom ** 2 + g3 / freedom ** 3;
}
