import type { Plan } from "./plan.ts";
import type { Scores } from "./scores.ts";

/** One step, as far as a scheduler may see it. */
export interface PlanRequest {
  /** Draft tokens at hand. */
  drafted: number;
  /** confidence[k] of draft token k, for k < drafted. */
  confidence: Float32Array;
  /** Most positions that may be verified: tokens still wanted, and the context limit. At least 1. */
  positionLimit: number;
  /** Most rows that fit into the cache, at least `Scheduler.minRows`. */
  rowLimit: number;
  /** Positions in the KV cache. */
  contextLength: number;
}

/** What became of the last plan. */
export interface Outcome {
  /** Tokens that the forward emitted: accepted draft tokens and one more. A token that ends the text is the last, and counts. */
  emitted: number;
  /** ms of the forward. */
  forwardMs: number;
  /** ms spent drafting before it. */
  draftMs: number;
  /** ms of the rest of the step, verification above all. */
  restMs: number;
  /** Draft tokens decided in this step, verified or not. */
  scores: Scores;
}

/** Chooses how many positions the next forward carries. One scheduler serves many sequences, one after the other, never in turns. */
export interface Scheduler {
  /** What `auto` came to. */
  readonly consistency: "bitwise" | "tolerant";
  /** Most positions that it ever plans. 1: it never wants a draft. */
  readonly maxPositions: number;
  /** Rows of its smallest forward: 2 where a bitwise run has to avoid the kernels of one row. */
  readonly minRows: number;
  /** Rows of its largest forward. */
  readonly maxRows: number;
  /** Draft tokens worth asking for now. 0: do not draft. */
  draftLimit(): number;
  /** Decides one step. Synchronous; the plan is reused by the next call. @throws NearfreeError `invalid-argument` for a request out of range. */
  plan(request: PlanRequest): Plan;
  /** Learns from the step that the last plan led to. The only way to change a scheduler. */
  observe(outcome: Outcome): void;
}
