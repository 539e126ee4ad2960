/**
 * Where a sample's typical value is read: below the median. Other work only ever slows a forward, and up to half of all forwards on a
 * shared machine; the lower the quantile the less it sees of that, but the more it depends on the shape of the noise, which differs
 * from one n to the next. On recorded noise 0.35 has half the error of the median, and lies within 1-2% of it where nothing disturbs.
 */
const TYPICAL = 0.35;
/** Standard error of that quantile of a normal sample over that of its mean: sqrt(q (1 - q)) / phi(z_q). */
const TYPICAL_EFFICIENCY = 1.2877;
/** The same of the median: sqrt(pi / 2). */
const MEDIAN_EFFICIENCY = 1.2533;
/** The share of residuals whose largest shows the scale: the density around the centre decides how sure a quantile is. */
const SCALE_SHARE = 0.4;
/** That residual of a normal sample, in standard deviations: P(|x - z_0.35| <= 0.5645) = 0.4. */
const SCALE_RESIDUAL = 0.5645;
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
  return quantile(values, 0.5);
}

/** The value that undisturbed samples have; NaN of nothing. */
export function typical(values: readonly number[]): number {
  return quantile(values, TYPICAL);
}

/** Quantile of a sample, unbiased for any distribution to first order (type 8 of Hyndman & Fan 1996); NaN of nothing. */
export function quantile(values: readonly number[], share: number): number {
  const n = values.length;
  if (n === 0) return Number.NaN;
  const sorted = Float64Array.from(values).sort();
  const at = Math.max(1, Math.min(n, (n + 1 / 3) * share + 1 / 3));
  const below = Math.floor(at);
  const [left, right] = [sorted[below - 1]!, sorted[Math.min(n, below + 1) - 1]!];
  return left + (at - below) * (right - left);
}

/**
 * Robust standard deviation of samples that share their noise but not their centre: each group's residuals from its own typical
 * value, widened by sqrt(n / (n - 1)) for the degree of freedom that it took. NaN without two samples in a group.
 */
export function pooledScale(groups: Iterable<readonly number[]>): number {
  const residuals: number[] = [];
  for (const group of groups) {
    if (group.length < 2) continue;
    const centre = typical(group);
    const widen = Math.sqrt(group.length / (group.length - 1));
    for (const value of group) residuals.push(Math.abs(value - centre) * widen);
  }
  return quantile(residuals, SCALE_SHARE) / SCALE_RESIDUAL;
}

/** Typical value of samples whose noise is like `noiseScale`, with its interval. */
export function estimate(samples: readonly number[], noiseScale: number): Estimate {
  return { ...interval(samples, noiseScale, TYPICAL_EFFICIENCY), centre: typical(samples) };
}

/** Median of log-ratios that are symmetric: of direct pairs, where either side may be disturbed. */
export function estimateMedian(samples: readonly number[], noiseScale: number): Estimate {
  return { ...interval(samples, noiseScale, MEDIAN_EFFICIENCY), centre: median(samples) };
}

/**
 * The interval `t * efficiency * s / sqrt(n)`. Of a few samples the scale is itself a guess, and a lucky one would stop the
 * measuring: s mixes it with that of the noise at every n, as if that had been seen in `PRIOR_SAMPLES` more samples (a moderated t
 * statistic: Smyth 2004).
 */
function interval(samples: readonly number[], noiseScale: number, efficiency: number) {
  const n = samples.length;
  const own = n < 2 ? noiseScale : pooledScale([samples]);
  const freedom = PRIOR_SAMPLES + n - 1;
  const scale = Math.sqrt((PRIOR_SAMPLES * noiseScale ** 2 + (n - 1) * own ** 2) / freedom);
  const halfWidth = (studentQuantile(INTERVAL_Z, freedom) * efficiency * scale) / Math.sqrt(n);
  return { halfWidth, samples: n };
}

/** Half-width that `samples` samples of this noise would leave. */
export function expectedHalfWidth(noiseScale: number, samples: number): number {
  return (INTERVAL_Z * TYPICAL_EFFICIENCY * noiseScale) / Math.sqrt(samples);
}

/** Student quantile with `freedom` degrees for the normal quantile `z` (Abramowitz & Stegun 26.7.5). */
export function studentQuantile(z: number, freedom: number): number {
  const g1 = (z ** 3 + z) / 4;
  const g2 = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96;
  const g3 = (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384;
  return z + g1 / freedom + g2 / freedom ** 2 + g3 / freedom ** 3;
}
