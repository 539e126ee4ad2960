import { NearfreeError } from "../../contracts/errors.ts";

/**
 * Column of the largest logit in logits[start .. start + columns): the first one on ties.
 *
 * NaN is never larger than anything, so it is never chosen while the row holds a number above -Infinity.
 * @returns -1 for a row with none: nothing but NaN and -Infinity.
 */
export function argmax(logits: Float32Array, start: number, columns: number): number {
  let best = Number.NEGATIVE_INFINITY;
  let at = -1;
  let i = start;
  const end = start + columns;
  // Four at a time: twice as fast as one, since the comparisons (false for NaN, and hardly ever true) do not wait for each other.
  for (const whole = end - (columns & 3); i < whole; i += 4) {
    const a = logits[i]!;
    const b = logits[i + 1]!;
    const c = logits[i + 2]!;
    const d = logits[i + 3]!;
    if (a > best) [best, at] = [a, i];
    if (b > best) [best, at] = [b, i + 1];
    if (c > best) [best, at] = [c, i + 2];
    if (d > best) [best, at] = [d, i + 3];
  }
  for (; i < end; i++) if (logits[i]! > best) [best, at] = [logits[i]!, i];
  return at < 0 ? -1 : at - start;
}

/**
 * Greedy verification: draft token k stands when it is the argmax of row k, as long as all before it stand.
 *
 * `logits` is row-major [>= drafted + 1, columns]; row k follows draft tokens 0..k-1. Fills `emitted` with the accepted draft
 * tokens and the argmax that follows them, and returns how many were accepted: `emitted` then holds one more. Rows behind the
 * first wrong token are not read.
 *
 * @throws NearfreeError `run-failed` for a row without any number.
 */
export function verifyGreedy(
  logits: Float32Array,
  columns: number,
  draft: Int32Array,
  drafted: number,
  emitted: Int32Array,
): number {
  for (let k = 0; ; k++) {
    const token = argmax(logits, k * columns, columns);
    if (token < 0) {
      throw new NearfreeError({
        code: "run-failed",
        from: "core",
        what: `logits of row ${k}`,
        expected: "a number above -Infinity",
        received: "NaN or -Infinity in every column",
        remedy: "check the model's weights, or its precision: fp16 overflows this way",
      });
    }
    emitted[k] = token;
    if (k === drafted || token !== draft[k]) return k;
  }
}
