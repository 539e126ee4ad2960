import type { Draft } from "../../contracts/drafter.ts";
import type { Scores } from "../../contracts/scores.ts";
import { createScores } from "../../contracts/scores.ts";

/** Drafts kept at once. A draft of one step in sixteen plain ones is still being scored. */
const OUTSTANDING = 16;

/** Draft tokens whose acceptance is learned: those further on share a position group with the last one. */
export const SHADOW_DEPTH = 31;

/**
 * Scores drafts against the tokens that come out, verified or not. So acceptance is learned at every step, even while no draft
 * token is worth a position.
 *
 * Keeps the last few drafts whose tokens were all right so far; position k of a draft is scored when the real token at its place is known.
 */
export class Shadow {
  /** What the last `settle` decided. */
  readonly scores: Scores;
  readonly #depth: number;
  // [slot * depth + k]: token k of the draft in that slot, and its confidence
  readonly #tokens: Int32Array;
  readonly #confidence: Float32Array;
  // [slot]: draft tokens, and how many of them are known to be right
  readonly #length = new Int32Array(OUTSTANDING);
  readonly #right = new Int32Array(OUTSTANDING);
  // [slot]: settlements since it was recorded
  readonly #age = new Uint8Array(OUTSTANDING);
  #next = 0;

  /** @param depth draft tokens scored of each draft. */
  constructor(depth: number) {
    this.#depth = depth;
    this.#tokens = new Int32Array(OUTSTANDING * depth);
    this.#confidence = new Float32Array(OUTSTANDING * depth);
    this.scores = createScores(OUTSTANDING * depth);
  }

  /** Takes the draft that continues the sequence as it is now. The oldest draft makes room. */
  record(draft: Draft): void {
    const length = Math.min(draft.length, this.#depth);
    if (length === 0) return;
    const slot = this.#next;
    this.#next = (slot + 1) % OUTSTANDING;
    const base = slot * this.#depth;
    for (let k = 0; k < length; k++) {
      this.#tokens[base + k] = draft.tokens[k]!;
      this.#confidence[base + k] = draft.confidence[k]!;
    }
    this.#length[slot] = length;
    this.#right[slot] = 0;
    this.#age[slot] = 0;
  }

  /** Tokens 0..count-1 of `emitted` continue the sequence. Fills `scores`. */
  settle(emitted: Int32Array, count: number): void {
    this.scores.length = 0;
    for (let slot = 0; slot < OUTSTANDING; slot++) {
      if (this.#length[slot]! > 0) this.#settleSlot(slot, emitted, count);
    }
  }

  #settleSlot(slot: number, emitted: Int32Array, count: number): void {
    const { position, confidence, accepted, age } = this.scores;
    const base = slot * this.#depth;
    const length = this.#length[slot]!;
    let k = this.#right[slot]!;
    let right = true;
    for (let i = 0; i < count && k < length && right; i++, k++) {
      right = this.#tokens[base + k] === emitted[i];
      const at = this.scores.length++;
      position[at] = k;
      confidence[at] = this.#confidence[base + k]!;
      accepted[at] = right ? 1 : 0;
      age[at] = this.#age[slot]!;
    }
    this.#right[slot] = k;
    this.#age[slot]!++;
    if (!right || k === length) this.#length[slot] = 0;
  }
}
