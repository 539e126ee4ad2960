/** What a batched step could be, beyond one position for each request. */
export interface BatchChoice {
  /** gain[c]: expected tokens that widening from c to c + 1 brings, over all requests. Nothing from `gains` on: padding. */
  readonly gain: Float64Array;
  readonly gains: number;
  /** priceMs[c]: ms of a whole step widened c times, for c = 0..widest. */
  readonly priceMs: Float64Array;
  readonly widest: number;
  /** Most ms of a step, as far as priceMs[0] does not exceed it. */
  readonly limitMs: number;
  /** Tokens per ms that the server makes lately: the price of a ms. */
  readonly tokensPerMs: number;
}

/**
 * How often to widen the step: maximises the expected tokens less tokensPerMs * price within the limit, 0 always among the
 * choices. Choosing by price, not by tokens per ms of each step, is explained at `bestValue`.
 */
export function batchValue({ gain, gains, priceMs, widest, limitMs, tokensPerMs }: BatchChoice): number {
  let tokens = 0;
  let best = 0;
  let bestValue = -tokensPerMs * priceMs[0]!;
  for (let c = 1; c <= widest; c++) {
    if (c <= gains) tokens += gain[c - 1]!;
    const ms = priceMs[c]!;
    const value = tokens - tokensPerMs * ms;
    if (value > bestValue && ms <= limitMs) {
      bestValue = value;
      best = c;
    }
  }
  return best;
}
