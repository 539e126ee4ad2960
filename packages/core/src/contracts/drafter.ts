/** A buffer that a drafter fills: tokens[0..length) and how sure the drafter is of each. */
export interface Draft {
  readonly tokens: Int32Array;
  /** confidence[k]: the drafter's own estimate in [0, 1] that token k is accepted given that tokens 0..k-1 were. */
  readonly confidence: Float32Array;
  length: number;
}

/** A draft buffer for at most `capacity` draft tokens. */
export function createDraft(capacity: number): Draft {
  return { tokens: new Int32Array(capacity), confidence: new Float32Array(capacity), length: 0 };
}

/** Proposes draft tokens. One drafter follows one sequence. */
export interface Drafter {
  /** Expected ms that one `propose` costs. 0 for a drafter that is free beside a forward (n-gram). */
  readonly costMs: number;

  /** Starts a new sequence with `context` as its tokens so far. */
  reset(context: ArrayLike<number>): void;

  /** Fills `out` with at most `min(max, out.tokens.length)` draft tokens that continue the sequence; sets `out.length`. */
  propose(max: number, out: Draft): void | Promise<void>;

  /** Tokens 0..count-1 of `emitted` were appended to the sequence. */
  learn(emitted: ArrayLike<number>, count: number): void;
}
