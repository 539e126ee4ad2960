/** A drafter that costs less than this share of a plain step is free: it always drafts. */
const FREE_SHARE = 0.01;
/** Share of the time that may go to drafting that is not expected to pay, to notice when it would. */
export const PROBE_SHARE = 0.03;
/** Weight of one step in the running cost and gain. */
const WEIGHT = 0.1;

/** Decides whether a drafter that costs time is asked at all. Sees times and tokens only. */
export class DraftGate {
  #costMs = 0;
  #gain = Number.POSITIVE_INFINITY;
  #savedMs = 0;

  /** Whether drafting is expected to pay at `tokensPerMs`, beside a plain step of `plainMs`. */
  pays(tokensPerMs: number, plainMs: number): boolean {
    return this.#costMs <= FREE_SHARE * plainMs || this.#gain >= tokensPerMs * this.#costMs;
  }

  /** Whether enough time was saved for one try. */
  get mayProbe(): boolean {
    return this.#savedMs >= this.#costMs;
  }

  /** A step of `stepMs` that spent `draftMs` on drafting, for `gain` tokens more than a plain step at equal price. */
  observe(stepMs: number, draftMs: number, gain: number): void {
    if (!(draftMs > 0)) {
      this.#savedMs = Math.min(this.#savedMs + PROBE_SHARE * stepMs, 2 * this.#costMs);
      return;
    }
    const first = this.#gain === Number.POSITIVE_INFINITY;
    this.#costMs += (first ? 1 : WEIGHT) * (draftMs - this.#costMs);
    this.#gain = first ? gain : this.#gain + WEIGHT * (gain - this.#gain);
    this.#savedMs = Math.max(0, this.#savedMs - draftMs);
  }
}
