import type { PlanReason } from "../../contracts/plan.ts";
import type { PlanRequest } from "../../contracts/scheduler.ts";
import type { Scores } from "../../contracts/scores.ts";

/**
 * How the rows of a forward follow from the positions of its sequences. `padded`: every sequence runs as many rows as the one
 * with the most positions (a batch of tensors [B, n]). `flat`: positions stand one behind the other, and rows are their sum.
 */
export type RowsModel = "padded" | "flat";

/** One sequence of a batched step. */
export interface BatchRequest extends PlanRequest {
  /** The place that it keeps from its first step to its last: 0 to maxRequests - 1, no two of a step the same. */
  slot: number;
  /** Most ms of a step, as far as one position for each request does not take more. Infinity: no limit. */
  latencyMs: number;
}

/** What to run next. A batch scheduler reuses one object: read it before the next `plan()`. */
export interface BatchPlan {
  /** positions[i] of request i, at least 1. Entries behind the last request are 0. */
  readonly positions: Int32Array;
  /** `padded`: rows of each sequence. `flat`: rows of the forward. Both at least what the positions need: more where that costs less. */
  rows: number;
  /** Expected ms of the forward; NaN without a profile that covers it. */
  expectedMs: number;
  /** Expected tokens over all requests. */
  expectedTokens: number;
  reason: PlanReason;
}

/** What became of the last plan; request i is the i-th of that plan. */
export interface BatchOutcome {
  /** emitted[i]: tokens of request i. */
  readonly emitted: ArrayLike<number>;
  /** scores[i]: draft tokens of request i decided in this step, verified or not. */
  readonly scores: readonly Scores[];
  /** ms of the forward. 0: not measured. */
  forwardMs: number;
  /** ms of the rest of the step: drafting and verification of all requests. */
  restMs: number;
}

/** Chooses the positions of several sequences that go through one forward together. */
export interface BatchScheduler {
  /** Most positions of one request. */
  readonly maxPositions: number;
  /** Most requests of a step. */
  readonly maxRequests: number;
  /** Decides one step. Synchronous; the plan is reused by the next call. @throws NearfreeError `invalid-argument` for too many requests, or one out of range. */
  plan(requests: readonly BatchRequest[]): BatchPlan;
  /** Learns from the step that the last plan led to. */
  observe(outcome: BatchOutcome): void;
  /** Another sequence takes this slot: what was learned of the one before it is forgotten. */
  free(slot: number): void;
}
