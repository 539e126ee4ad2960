import { studentQuantile } from "@nearfree/calibrate";

/** A geometric mean with its 95% interval over seeds. */
export interface Ratio {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** Normal quantile of the two-sided intervals: 95%. */
const INTERVAL_Z = 1.96;

export function geomean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** The geometric mean of one ratio a seed. One value alone has no interval: it is its own. */
export function ratioOver(values: readonly number[]): Ratio {
  const mean = geomean(values);
  const n = values.length;
  if (n < 2) return { mean, low: mean, high: mean };
  const variance = values.reduce((sum, value) => sum + Math.log(value / mean) ** 2, 0) / (n - 1);
  const half = Math.exp(studentQuantile(INTERVAL_Z, n - 1) * Math.sqrt(variance / n));
  return { mean, low: mean / half, high: mean * half };
}
