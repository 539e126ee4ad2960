/** A shift of this size that lasts is drift. */
export const DRIFT = 0.15;
/** A forward is off when it is nearer to a shift of that size than to none. */
const OFF = Math.log(1 + DRIFT) / 2;
/** Forwards that have to be off, more than are not, before a shift counts as lasting. */
export const DRIFT_FORWARDS = 120;
/** Forwards whose median counts as one: two spikes among five move nothing. */
const WINDOW = 5;

/**
 * Tells a lasting shift of forward times from noise: a CUSUM (Page 1954) of signs, over running medians. Each forward counts one up or
 * down, however far off it is, so neither spikes nor a burst of fewer forwards than the threshold can raise it. A lasting shift of
 * 15% under noise of 10% is off nine times in ten: found within 200 forwards.
 */
export class DriftDetector {
  /** The times no longer fit. Taken back when they have fitted again for as long. */
  shifted = false;
  // [forwards mod WINDOW]: log of observed over expected ms; and the same, sorted
  readonly #recent = new Float64Array(WINDOW);
  readonly #sorted = new Float64Array(WINDOW);
  #forwards = 0;
  #above = 0;
  #below = 0;
  #fits = 0;

  /** A forward took exp(`log`) times what was expected. */
  observe(log: number): void {
    const at = this.#forwards % WINDOW;
    const filled = this.#forwards >= WINDOW;
    this.#replace(filled ? this.#recent[at]! : Number.POSITIVE_INFINITY, log);
    this.#recent[at] = log;
    this.#forwards++;
    if (this.#forwards < WINDOW) return;
    const middle = this.#sorted[WINDOW >> 1]!;
    if (this.shifted) {
      this.#fits = count(this.#fits, Math.abs(middle) < OFF);
      if (this.#fits >= DRIFT_FORWARDS) this.#turn(false);
      return;
    }
    this.#above = count(this.#above, middle > OFF);
    this.#below = count(this.#below, middle < -OFF);
    if (this.#above >= DRIFT_FORWARDS || this.#below >= DRIFT_FORWARDS) this.#turn(true);
  }

  #turn(shifted: boolean): void {
    this.shifted = shifted;
    this.#above = this.#below = this.#fits = 0;
  }

  /** Keeps `#sorted` sorted, with `log` in the place of `old`. */
  #replace(old: number, log: number): void {
    const sorted = this.#sorted;
    if (this.#forwards === 0) sorted.fill(Number.POSITIVE_INFINITY);
    let i = 0;
    while (sorted[i] !== old && i < WINDOW - 1) i++;
    for (; i > 0 && sorted[i - 1]! > log; i--) sorted[i] = sorted[i - 1]!;
    for (; i < WINDOW - 1 && sorted[i + 1]! < log; i++) sorted[i] = sorted[i + 1]!;
    sorted[i] = log;
  }
}

function count(sum: number, yes: boolean): number {
  return yes ? sum + 1 : Math.max(0, sum - 1);
}
