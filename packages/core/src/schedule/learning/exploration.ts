import type { Situation } from "../policy/policy.ts";
import type { CorrectedCurve } from "./corrected-curve.ts";
import type { CostCorrection } from "./cost.ts";
import { TimeBudget } from "./time-budget.ts";

/** Share of the time that probes may take. */
const COST_PROBE_SHARE = 0.015;
/** Plain steps' worth of time that may be saved up for one probe, and that they may take in advance. */
const MOST_SAVED_STEPS = 64;
const CREDIT_STEPS = 8;
/** Tokens a step that must be there to win before a row count is tried again. */
const LEAST_GAIN = 0.05;

/**
 * Which row counts may be relied on, and when to try one that may not: without a profile none but one is known at first, and after
 * drift only those run lately. Probes keep within their share of the time, whatever they find.
 */
export class Exploration {
  readonly #curve: CorrectedCurve;
  readonly #learns: boolean;
  readonly #cost: CostCorrection;
  readonly #budget = new TimeBudget(COST_PROBE_SHARE);
  #plainMs = 0;
  #rested = true;

  /** @param learns whether the curve has row counts that nobody measured. */
  constructor(curve: CorrectedCurve, cost: CostCorrection, learns: boolean) {
    this.#curve = curve;
    this.#cost = cost;
    this.#learns = learns;
  }

  /** Whether the cost of `positions` positions may be relied on. */
  knows(positions: number): boolean {
    return this.#curve.knows(this.#curve.paddedRows[positions - 1]!);
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
  probe(chosen: number, available: number, situation: Situation): number {
    if (!this.#rested) return 0;
    if (this.#cost.dropped) return this.#probeDropped(chosen, available, situation);
    if (!this.#cost.stale && !this.#learns) return 0;
    for (let n = 1; n <= this.#curve.maxPositions; n++) {
      if (this.knows(n)) continue;
      return this.#budget.affords(extraMs(n, chosen, situation)) ? n : 0;
    }
    return 0;
  }

  /**
   * Where the profile is dropped: one, two, four positions and so on, and those that one forward alone speaks against, each only
   * while it would pay if it cost no more than the widest one known below it.
   */
  #probeDropped(chosen: number, available: number, situation: Situation): number {
    const { curve, priceMs, survival, tokensPerMs } = situation;
    const chosenMs = priceMs[chosen - 1]!;
    let floorMs = priceMs[0]!;
    let floorRows = curve.smallestRows[0]!;
    let tokens = -LEAST_GAIN;
    for (let k = 0; k < chosen; k++) tokens -= survival[k]!;
    for (let n = 1; n <= curve.maxPositions; n++) {
      if (n <= available) tokens += survival[n - 1]!;
      const rows = curve.smallestRows[n - 1]!;
      if (rows === floorRows) continue;
      if (this.#cost.knows(rows)) {
        floorMs = curve.costMs[rows - 1]! * this.#cost.level;
        floorRows = rows;
        continue;
      }
      if ((n & (n - 1)) !== 0 && !this.#cost.doubts(rows)) continue;
      if (tokens <= tokensPerMs * (floorMs - chosenMs)) continue;
      return this.#affords((floorMs * rows) / floorRows - chosenMs) ? n : 0;
    }
    return 0;
  }

  #affords(ms: number): boolean {
    return this.#budget.affords(ms - CREDIT_STEPS * this.#plainMs);
  }

  /** A step of `stepMs`, one plain step being `plainMs`. */
  earn(stepMs: number, plainMs: number): void {
    this.#plainMs = plainMs;
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
