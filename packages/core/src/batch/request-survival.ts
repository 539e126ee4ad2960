import type { Scores } from "../survival.ts";
import { Survival } from "../survival.ts";

/** Share of a request's past that one new score forgets. */
const FORGET = 0.02;
/** Scores that all requests together count for, against those of one. */
const SHARED_WEIGHT = 16;

/**
 * Survival for many requests: what a confidence is worth is learned from all of them together, and for each a factor on top,
 * accepted over expected, shrunk towards 1. So a request starts from what the others know.
 */
export class RequestSurvival {
  readonly #shared = new Survival();
  // [slot]: forgotten sums of accepted scores, and of what was expected of them
  readonly #accepted: Float64Array;
  readonly #expected: Float64Array;

  constructor(slots: number) {
    this.#accepted = new Float64Array(slots);
    this.#expected = new Float64Array(slots);
  }

  free(slot: number): void {
    this.#accepted[slot] = 0;
    this.#expected[slot] = 0;
  }

  /** out[k] = S_k for k = 0..drafted. S_0 = 1. */
  fill(slot: number, confidence: Float32Array, drafted: number, out: Float64Array): void {
    this.#shared.fill(confidence, drafted, out);
    const factor = this.#factor(slot);
    let before = 1; // S_(k-1) without the factor
    let product = 1;
    for (let k = 1; k <= drafted; k++) {
      const shared = out[k]!;
      product *= before > 0 ? Math.min(1, (shared / before) * factor) : 0;
      before = shared;
      out[k] = product;
    }
  }

  learn(slot: number, scores: Scores): void {
    for (let i = 0; i < scores.length; i++) {
      const expected = this.#shared.acceptance(scores.position[i]!, scores.confidence[i]!);
      this.#expected[slot] = this.#expected[slot]! * (1 - FORGET) + expected;
      this.#accepted[slot] = this.#accepted[slot]! * (1 - FORGET) + scores.accepted[i]!;
    }
    this.#shared.learn(scores);
  }

  #factor(slot: number): number {
    return (this.#accepted[slot]! + SHARED_WEIGHT) / (this.#expected[slot]! + SHARED_WEIGHT);
  }
}
