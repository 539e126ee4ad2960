/** Steps of one position that a request may be ahead or behind before it counts. */
const GRACE_STEPS = 8;
/** Share of the past that one step forgets. */
const FORGET = 0.002;

/**
 * Keeps count of what each request pays for the draft tokens of the others: the ms that it waited for forwards, against what its
 * own tokens would have taken one at a time in the same company.
 */
export class Fairness {
  readonly #mostSlowdown: number;
  // [slot]: ms of forwards, and ms of as many tokens without drafts, with forgetting
  readonly #waitedMs: Float64Array;
  readonly #plainMs: Float64Array;

  /** @param mostSlowdown share by which a request may be slower than without drafts. */
  constructor(slots: number, mostSlowdown: number) {
    this.#mostSlowdown = mostSlowdown;
    this.#waitedMs = new Float64Array(slots);
    this.#plainMs = new Float64Array(slots);
  }

  free(slot: number): void {
    this.#waitedMs[slot] = 0;
    this.#plainMs[slot] = 0;
  }

  /** Whether the request is slower than it may be, beside a step of one position each of `plainMs`. */
  isBehind(slot: number, plainMs: number): boolean {
    const most = (1 + this.#mostSlowdown) * this.#plainMs[slot]! + GRACE_STEPS * plainMs;
    return this.#waitedMs[slot]! > most;
  }

  /** A step of `stepMs` brought the request `emitted` tokens. */
  observe(slot: number, stepMs: number, emitted: number, plainMs: number): void {
    this.#waitedMs[slot] = this.#waitedMs[slot]! * (1 - FORGET) + stepMs;
    this.#plainMs[slot] = this.#plainMs[slot]! * (1 - FORGET) + emitted * plainMs;
  }
}
