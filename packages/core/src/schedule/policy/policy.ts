import type { PlanReason } from "../../contracts/plan.ts";
import type { CostCurve } from "../../profile/curve.ts";

/** What a policy sees of one step. Owned by the scheduler and reused: nothing of it may be kept. */
export interface Situation {
  readonly curve: CostCurve;
  /** priceMs[n-1]: ms of a whole step of n positions, padded and corrected, for n = 1..curve.maxPositions. */
  readonly priceMs: Float64Array;
  /** survival[k]: probability that the first k draft tokens are all accepted, for k = 0..available - 1. survival[0] = 1. */
  readonly survival: Float64Array;
  /** Most positions that drafter and limits allow now, at least 1. */
  readonly available: number;
  /** Tokens per ms that the loop makes lately: the price of a ms. */
  readonly tokensPerMs: number;
}

/** (cost curve, survival, limits) -> positions. Pure: the same situation gives the same choice. */
export interface Policy {
  /** Why a plan has the positions that this policy chose. */
  readonly reason: PlanReason;
  /** The most positions that it would ever choose: nothing beyond is drafted. Default: all of the curve. */
  most?(curve: CostCurve): number;
  /** Positions wanted, from 1 to curve.maxPositions. More than `available` is clipped by the scheduler, which then says why. */
  choose(situation: Situation): number;
}
