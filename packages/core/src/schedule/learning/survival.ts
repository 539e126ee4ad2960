import type { Scores } from "../../contracts/scores.ts";

/** Confidence by its odds, in powers of two from below 1/8 to above 32: at the top .9 and .97 are worlds apart in a long draft. */
const BUCKETS = 10;
const STEPS = 256;
// BUCKET_OF[floor(confidence * STEPS)]
const BUCKET_OF = Uint8Array.from({ length: STEPS + 1 }, (_, step) => {
  const odds = (step + 0.5) / Math.max(STEPS - step - 0.5, 0.5);
  return Math.max(0, Math.min(BUCKETS - 1, Math.floor(Math.log2(odds)) + 4));
});
/** Positions 0, 1, 2-3, 4-7, 8-15, 16 and beyond. */
const GROUPS = 6;
const GROUP_OF = Uint8Array.from({ length: 256 }, (_, k) =>
  Math.min(GROUPS - 1, k === 0 ? 0 : 1 + Math.floor(Math.log2(k))),
);

/** Share of a cell's past that one new score forgets: a memory of about 50 scores. */
const FORGET = 0.02;
/** Scores that the drafter's own confidence counts for, against those of its bucket. */
const CONFIDENCE_WEIGHT = 12;
/** Scores that a bucket's acceptance counts for, against those of one of its position groups. */
const BUCKET_WEIGHT = 16;

/**
 * Online survival. Acceptance of a draft token, given that all before it were right, is learned by confidence bucket and
 * within it by position group, each with exponential forgetting; S_k is the product of the first k.
 *
 * Two Beta priors in a row: a bucket's mean starts from the confidence itself, a group's mean from its bucket, so a group
 * never seen is as good as what its bucket knows, and a drafter never seen as good as it says.
 */
export class Survival {
  // [bucket], [bucket * GROUPS + group]: forgotten sums of scores and of accepted ones
  readonly #bucketSeen = new Float64Array(BUCKETS);
  readonly #bucketAccepted = new Float64Array(BUCKETS);
  readonly #seen = new Float64Array(BUCKETS * GROUPS);
  readonly #accepted = new Float64Array(BUCKETS * GROUPS);

  /** Probability that draft token `position` is right, given that all before it are. */
  acceptance(position: number, confidence: number): number {
    const sure = confidence > 0 ? Math.min(confidence, 1) : 0;
    const bucket = bucketOf(sure);
    const cell = bucket * GROUPS + GROUP_OF[position & 255]!;
    const mean =
      (this.#bucketAccepted[bucket]! + CONFIDENCE_WEIGHT * sure) / (this.#bucketSeen[bucket]! + CONFIDENCE_WEIGHT);
    return (this.#accepted[cell]! + BUCKET_WEIGHT * mean) / (this.#seen[cell]! + BUCKET_WEIGHT);
  }

  /** out[k] = S_k for k = 0..drafted: the probability that the first k draft tokens are all right. S_0 = 1. */
  fill(confidence: Float32Array, drafted: number, out: Float64Array): void {
    let product = 1;
    out[0] = 1;
    for (let k = 0; k < drafted; k++) {
      product *= this.acceptance(k, confidence[k]!);
      out[k + 1] = product;
    }
  }

  learn(scores: Scores): void {
    for (let i = 0; i < scores.length; i++) {
      const bucket = bucketOf(scores.confidence[i]!);
      const cell = bucket * GROUPS + GROUP_OF[scores.position[i]!]!;
      const accepted = scores.accepted[i]!;
      this.#bucketSeen[bucket] = this.#bucketSeen[bucket]! * (1 - FORGET) + 1;
      this.#bucketAccepted[bucket] = this.#bucketAccepted[bucket]! * (1 - FORGET) + accepted;
      this.#seen[cell] = this.#seen[cell]! * (1 - FORGET) + 1;
      this.#accepted[cell] = this.#accepted[cell]! * (1 - FORGET) + accepted;
    }
  }
}

/** Anything outside [0, 1] falls into the nearest bucket, NaN into the first. */
function bucketOf(confidence: number): number {
  return BUCKET_OF[confidence > 0 ? Math.min(STEPS, confidence * STEPS) | 0 : 0]!;
}
