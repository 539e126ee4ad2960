/** Why a plan has the positions it has. */
export type PlanReason =
  /** The `fixed` policy. */
  | "fixed"
  /** The largest right edge inside the safe boundary. */
  | "near-free"
  /** The largest number of positions within the ms bound. */
  | "latency"
  /** The best expected tokens for the price. */
  | "best-value"
  /** The fixed number of positions that has lately done better on this text than the policy would have. */
  | "guard"
  /** The policy wanted more positions than the drafter had tokens for. */
  | "draft-too-short"
  /** Clipped by the tokens still wanted, the context limit or the runner's batch. */
  | "limit"
  /** A deliberate probe to learn acceptance or cost, a step kept narrow until wider ones were found to cost what is profiled included. */
  | "exploring"
  /** No profile for this model on this environment: one position. */
  | "no-profile"
  /** The profile no longer fits what is observed. */
  | "stale-profile"
  /** Even one draft token would cost more than it is expected to bring. */
  | "not-worth-it"
  /** The runner cannot verify draft tokens. */
  | "unsupported";

/** What to run next. A scheduler reuses one object: read it before the next `plan()`. */
export interface Plan {
  /** Positions whose logits count: 1 + draft tokens to verify. */
  positions: number;
  /** Rows to run, >= positions: padded where more rows cost less or an invariance class needs them. */
  rows: number;
  /** Expected ms of the forward. NaN without a profile, and for a fixed plan that needs none. */
  expectedMs: number;
  /** Expected tokens that the forward emits, at least 1. */
  expectedTokens: number;
  reason: PlanReason;
}
