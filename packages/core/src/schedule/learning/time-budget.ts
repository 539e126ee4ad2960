/** Share of the time that may go to what is not expected to pay, to notice when it would. */
export const PROBE_SHARE = 0.03;

/** Saves a share of the time for probes. */
export class TimeBudget {
  readonly #share: number;
  #savedMs = 0;

  constructor(share = PROBE_SHARE) {
    this.#share = share;
  }

  /** A step of `stepMs` went by; no more than `mostMs` is kept. */
  earn(stepMs: number, mostMs: number): void {
    this.#savedMs = Math.min(this.#savedMs + this.#share * stepMs, mostMs);
  }

  affords(ms: number): boolean {
    return this.#savedMs >= ms;
  }

  /** A probe took `ms`. Where it took more than was saved, the next one waits for it, down to a balance of `leastMs`. */
  spend(ms: number, leastMs: number): void {
    this.#savedMs = Math.max(leastMs, this.#savedMs - ms);
  }
}
