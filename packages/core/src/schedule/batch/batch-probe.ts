import type { CostCorrection } from "../learning/cost.ts";
import { TimeBudget } from "../learning/time-budget.ts";
import type { BatchChoice } from "./batch-value.ts";

/** Share of the time that probes may take, and plain steps' worth of it that may be saved up, and taken in advance. */
const SHARE = 0.015;
const MOST_SAVED_STEPS = 64;
const CREDIT_STEPS = 8;
/** Tokens a step that must be there to win before a row count is tried again. */
const LEAST_GAIN = 0.05;

/** Where a batch's profile is dropped: which row counts to try, so that drafts pay again where they do. */
export class BatchProbe {
  readonly #cost: CostCorrection;
  readonly #budget = new TimeBudget(SHARE);
  #rested = true;

  constructor(cost: CostCorrection) {
    this.#cost = cost;
  }

  /**
   * How often to widen instead of `chosen`: 1, 2, 4 times and so on, where that many rows are unknown and would pay if they cost no more than
   * the widest known below. 0 for no probe, and never two in a row.
   */
  choose(least: number, chosen: number, { gain, gains, priceMs, widest, tokensPerMs }: BatchChoice): number {
    if (!this.#cost.dropped || !this.#rested) return 0;
    let tokens = -LEAST_GAIN;
    for (let c = 0; c < Math.min(chosen, gains); c++) tokens -= gain[c]!;
    let known = 0;
    for (let c = 1; c <= widest; c++) {
      if (c <= gains) tokens += gain[c - 1]!;
      if (this.#cost.knows(least + c)) {
        known = c;
        continue;
      }
      const tried = (c & (c - 1)) === 0 || this.#cost.doubts(least + c);
      if (!tried || tokens <= tokensPerMs * (priceMs[known]! - priceMs[chosen]!)) continue;
      const extraMs = (priceMs[known]! * (least + c)) / (least + known) - priceMs[chosen]!;
      return this.#budget.affords(extraMs - CREDIT_STEPS * priceMs[0]!) ? c : 0;
    }
    return 0;
  }

  /** A step of `stepMs`, one of one position each being `plainMs`. @param extraMs ms that it took more than what it was a probe instead of; 0 for no probe. */
  observe(stepMs: number, plainMs: number, extraMs: number): void {
    this.#budget.earn(stepMs, MOST_SAVED_STEPS * plainMs);
    this.#rested = extraMs === 0;
    if (!this.#rested) this.#budget.spend(Math.max(0, extraMs), Number.NEGATIVE_INFINITY);
  }
}
