import { DraftLengthRule } from "./rival.ts";
import { SGLANG_CANDIDATES } from "./sglang-ema.ts";

const WINDOW = 20;
const INTERVAL = 10;
const DEEPEST = SGLANG_CANDIDATES.at(-1)!;

/**
 * SGLang's throughput-aware steps (sgl-project/sglang pull request 28045): the candidate of the best expected tokens over the cost
 * in a table made at start-up. Acceptance of each position is that of its last 20 verdicts; a position without them inherits
 * that of the one before. One draft token is the least.
 */
export class SglangThroughputRule extends DraftLengthRule {
  // [k * WINDOW + i]: a ring of verdicts on draft token k + 1, how many there were, and how many are right
  readonly #ring = new Uint8Array(DEEPEST * WINDOW);
  readonly #seen = new Int32Array(DEEPEST);
  readonly #right = new Int32Array(DEEPEST);
  #length = SGLANG_CANDIDATES[SGLANG_CANDIDATES.length >> 1]!;
  #steps = 0;

  length(): number {
    return this.#length;
  }

  protected learn(drafted: number, accepted: number): void {
    if (drafted === 0) return;
    // Only a token whose predecessors stood has a verdict of its own.
    for (let k = 0; k < Math.min(drafted, accepted + 1, DEEPEST); k++) this.#record(k, k < accepted ? 1 : 0);
    if (++this.#steps % INTERVAL !== 0 || this.#seen[0]! < WINDOW) return;
    let best = 0;
    let bestLength = this.#length;
    let [tokens, survival, acceptance, k] = [1, 1, 1, 0];
    for (const length of SGLANG_CANDIDATES) {
      for (; k < length; k++) {
        if (this.#seen[k]! > 0) acceptance = this.#right[k]! / Math.min(this.#seen[k]!, WINDOW);
        survival *= acceptance;
        tokens += survival;
      }
      const score = tokens / this.profiledMs(length);
      if (score <= best) continue;
      best = score;
      bestLength = length;
    }
    this.#length = bestLength;
  }

  #record(k: number, right: number): void {
    const at = k * WINDOW + (this.#seen[k]! % WINDOW);
    this.#right[k]! += right - (this.#seen[k]! >= WINDOW ? this.#ring[at]! : 0);
    this.#ring[at] = right;
    this.#seen[k]!++;
  }
}
