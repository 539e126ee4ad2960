import type { CostCorrection } from "./cost.ts";
import { TimeBudget } from "./time-budget.ts";

/** Share of the time that may be lost by running the smallest forward now and then. */
const SHARE = 0.0025;
/** A row count that was hardly ever compared with the smallest forward may be that many times as often. */
const FIRST_CHECKS = 4;
/** Forwards between two at least, and more for each plain step's worth of time that one loses, with and without a profile that holds. */
const EVERY = 4;
const PATIENCE = 160;
const PATIENCE_DROPPED = 48;
/** Plain steps' worth of time that may be saved up. */
const MOST_SAVED_STEPS = 64;

/**
 * When to run one of the smallest forwards though more rows are planned: all costs are told by how they compare with it. At once where
 * it takes one to tell what has changed; else within a share of the time, rarely where much is to lose by it, since mixed text brings
 * some by itself, and often where little is, since there an error costs as much as it hides.
 */
export class BaseChecks {
  readonly #cost: CostCorrection;
  readonly #budget = new TimeBudget(SHARE);
  #plainMs = 0;

  constructor(cost: CostCorrection) {
    this.#cost = cost;
  }

  /** @param gainMs ms that the planned step of `rows` rows is expected to gain on the smallest. */
  due(rows: number, gainMs: number): boolean {
    if (this.#cost.asksForBase) return true;
    const patience = this.#cost.dropped ? PATIENCE_DROPPED : PATIENCE;
    const waited = EVERY + (patience * Math.max(0, gainMs)) / this.#plainMs;
    return this.#cost.sinceBase >= waited && this.#budget.affords(this.#price(rows, gainMs));
  }

  /** A step of `stepMs`, one plain step being `plainMs`. */
  earn(stepMs: number, plainMs: number): void {
    this.#plainMs = plainMs;
    this.#budget.earn(stepMs, MOST_SAVED_STEPS * plainMs);
  }

  /** After `earn`: the step was a check, instead of one of `rows` rows that was to gain `gainMs`. */
  spend(rows: number, gainMs: number): void {
    this.#budget.spend(this.#price(rows, gainMs), 0);
  }

  #price(rows: number, gainMs: number): number {
    return Math.max(0, this.#cost.compared(rows) ? gainMs : gainMs / FIRST_CHECKS);
  }
}
