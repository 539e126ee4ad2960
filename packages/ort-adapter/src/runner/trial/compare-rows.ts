/**
 * How far a row of logits is from its reference: root mean square of the difference over that of the reference around its mean, so that
 * models with large logits and with small ones are judged alike. Rounding of sane kernels: 1e-6 in fp32, 1e-3 in fp16, rarely 0.05 in int4.
 */
export function rowError(row: ArrayLike<number>, reference: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < reference.length; i++) sum += reference[i]!;
  const mean = sum / reference.length;
  let off = 0;
  let spread = 0;
  for (let i = 0; i < reference.length; i++) {
    off += (row[i]! - reference[i]!) ** 2;
    spread += (reference[i]! - mean) ** 2;
  }
  if (off === 0) return 0;
  const error = Math.sqrt(off / spread);
  return Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
}

/** Errors of rows [first, first + count) of row-major logits against single rows. */
export function rowErrors(logits: Float32Array, columns: number, singles: readonly Float32Array[]): number[] {
  return singles.map((single, i) => rowError(logits.subarray(i * columns, (i + 1) * columns), single));
}
