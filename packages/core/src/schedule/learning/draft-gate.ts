import { TimeBudget } from "./time-budget.ts";

/** A drafter that costs less than this share of a plain step is free: it always drafts. */
const FREE_SHARE = 0.01;
/** Weight of one step in the running cost and gain. */
const WEIGHT = 0.1;

/** Decides whether a drafter that costs time is asked at all. Sees times and tokens only. */
export class DraftGate {
  #costMs = 0;
  #gain = Number.POSITIVE_INFINITY;
  readonly #budget = new TimeBudget();

  /** Whether drafting is expected to pay at `tokensPerMs`, beside a plain step of `plainMs`. */
  pays(tokensPerMs: number, plainMs: number): boolean {
    return this.#costMs <= FREE_SHARE * plainMs || this.#gain >= tokensPerMs * this.#costMs;
  }

  /** Whether enough time was saved for one try. */
  get mayProbe(): boolean {
    return this.#budget.affords(this.#costMs);
  }

  /** A step of `stepMs` that spent `draftMs` on drafting, for `gain` tokens more than a plain step at equal price. */
  observe(stepMs: number, draftMs: number, gain: number): void {
    if (!(draftMs > 0)) {
      this.#budget.earn(stepMs, 2 * this.#costMs);
      return;
    }
    const first = this.#gain === Number.POSITIVE_INFINITY;
    this.#costMs += (first ? 1 : WEIGHT) * (draftMs - this.#costMs);
    this.#gain = first ? gain : this.#gain + WEIGHT * (gain - this.#gain);
    this.#budget.spend(draftMs, 0);
  }
}
