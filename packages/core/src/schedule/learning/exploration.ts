import type { CostCurve } from "../../profile/curve.ts";
import type { Situation } from "../policy/policy.ts";
import type { CostCorrection } from "./cost.ts";
import { TimeBudget } from "./time-budget.ts";

/** Plain steps' worth of time that may be saved up for one probe. */
const MOST_SAVED_STEPS = 64;

/**
 * Which row counts may be relied on, and when to try one that may not: without a profile none but one is known at first, and after
 * drift only those run lately. Probes keep within their share of the time, whatever they find.
 */
export class Exploration {
  readonly #curve: CostCurve;
  readonly #cost: CostCorrection;
  readonly #budget = new TimeBudget();
  #rested = true;

  constructor(curve: CostCurve, cost: CostCorrection) {
    this.#curve = curve;
    this.#cost = cost;
  }

  /** Whether the cost of `positions` positions may be relied on. */
  knows(positions: number): boolean {
    const rows = this.#curve.paddedRows[positions - 1]!;
    return this.#cost.knows(rows) && this.#curve.knows?.(rows) !== false;
  }

  /** Most positions up to `available` whose cost may be relied on. One always may. */
  reach(available: number): number {
    let n = available;
    while (n > 1 && !this.knows(n)) n--;
    return n;
  }

  /**
   * Positions to probe instead of `chosen`; 0 for none. The fewest first: what they cost bounds what the next ones can. A probe
   * that finds no draft runs padding: the cost is learned all the same. Never two in a row: each is compared with its neighbours.
   */
  probe(chosen: number, situation: Situation): number {
    if (!this.#rested || (!this.#cost.stale && this.#curve.knows === undefined)) return 0;
    for (let n = 1; n <= this.#curve.maxPositions; n++) {
      if (this.knows(n)) continue;
      return this.#budget.affords(extraMs(n, chosen, situation)) ? n : 0;
    }
    return 0;
  }

  /** A step of `stepMs`, one plain step being `plainMs`. */
  earn(stepMs: number, plainMs: number): void {
    this.#budget.earn(stepMs, MOST_SAVED_STEPS * plainMs);
    this.#rested = true;
  }

  /** After `earn`: the step was a probe, and took `ms` more than the one that was chosen. */
  spend(ms: number): void {
    this.#budget.spend(Math.max(0, ms), Number.NEGATIVE_INFINITY);
    this.#rested = false;
  }
}

/** ms that a step of `probe` positions is expected to lose against one of `chosen`: time, and tokens at what they take. */
function extraMs(probe: number, chosen: number, situation: Situation): number {
  const { priceMs, survival, available, tokensPerMs } = situation;
  let ms = priceMs[probe - 1]! - priceMs[chosen - 1]!;
  for (let k = probe; k < chosen; k++) ms += survival[k]! / tokensPerMs;
  for (let k = chosen; k < Math.min(probe, available); k++) ms -= survival[k]! / tokensPerMs;
  return ms;
}
