/** A geometric mean with its 95% interval over seeds. */
export interface Ratio {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** Two-sided 95% quantiles of Student's t for 1, 2, ... degrees of freedom; beyond them the normal one with Cornish and Fisher's correction. */
const STUDENT = [12.706, 4.303, 3.182, 2.776];
const NORMAL = 1.96;

export function geomean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** The geometric mean of one ratio a seed. One value alone has no interval: it is its own. */
export function ratioOver(values: readonly number[]): Ratio {
  const mean = geomean(values);
  const n = values.length;
  if (n < 2) return { mean, low: mean, high: mean };
  const variance = values.reduce((sum, value) => sum + Math.log(value / mean) ** 2, 0) / (n - 1);
  const freedom = n - 1;
  const t = STUDENT[freedom - 1] ?? NORMAL * (1 + (NORMAL ** 2 + 1) / (4 * freedom));
  const half = Math.exp(t * Math.sqrt(variance / n));
  return { mean, low: mean / half, high: mean * half };
}
