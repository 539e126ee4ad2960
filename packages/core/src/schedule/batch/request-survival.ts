import type { Scores } from "../../contracts/scores.ts";
import type { Survival } from "../learning/survival.ts";

/** Share of a request's past that one new score forgets. */
const FORGET = 0.02;
/** Scores that all requests together count for, against those of one. */
const SHARED_WEIGHT = 16;

/**
 * Survival of one request among many: what a confidence is worth is learned from all of them together, and a factor on top from
 * its own, accepted over expected, shrunk towards 1. So a request starts from what the others know.
 */
export class RequestSurvival {
  readonly #shared: Survival;
  // Forgotten sums of accepted scores, and of what was expected of them
  #accepted = 0;
  #expected = 0;

  constructor(shared: Survival) {
    this.#shared = shared;
  }

  /** Another request takes its place. */
  forget(): void {
    this.#accepted = 0;
    this.#expected = 0;
  }

  /** out[k] = S_k for k = 0..drafted. S_0 = 1. */
  fill(confidence: Float32Array, drafted: number, out: Float64Array): void {
    this.#shared.fill(confidence, drafted, out);
    const factor = (this.#accepted + SHARED_WEIGHT) / (this.#expected + SHARED_WEIGHT);
    let before = 1; // S_(k-1) without the factor
    let product = 1;
    for (let k = 1; k <= drafted; k++) {
      const shared = out[k]!;
      product *= before > 0 ? Math.min(1, (shared / before) * factor) : 0;
      before = shared;
      out[k] = product;
    }
  }

  learn(scores: Scores): void {
    for (let i = 0; i < scores.length; i++) {
      const expected = this.#shared.acceptance(scores.position[i]!, scores.confidence[i]!);
      this.#expected = this.#expected * (1 - FORGET) + expected;
      this.#accepted = this.#accepted * (1 - FORGET) + scores.accepted[i]!;
    }
    this.#shared.learn(scores);
  }
}
