import { DraftLengthRule, MOST_DRAFTED } from "./rival.ts";

/** Acceptance assumed of every position at first: high enough that each is tried. */
const START = 0.8;
const WEIGHT = 0.1;

/**
 * What one would write first: running acceptance of each position over its own verdicts, a cost table, and the most tokens per ms.
 * Nothing is learned of positions that are not verified, so once it drafts nothing it stays there.
 */
export class EwmaArgmaxRule extends DraftLengthRule {
  // [k]: acceptance of draft token k + 1, given that all before it stood
  readonly #rate = new Float64Array(MOST_DRAFTED).fill(START);

  length(): number {
    let [tokens, survival, best] = [1, 1, 0];
    let bestRate = 1 / this.profiledMs(0);
    for (let length = 1; length <= MOST_DRAFTED; length++) {
      survival *= this.#rate[length - 1]!;
      tokens += survival;
      const rate = tokens / this.profiledMs(length);
      if (rate <= bestRate) continue;
      bestRate = rate;
      best = length;
    }
    return best;
  }

  protected learn(drafted: number, accepted: number): void {
    for (let k = 0; k < Math.min(drafted, accepted + 1); k++) {
      this.#rate[k]! += WEIGHT * ((k < accepted ? 1 : 0) - this.#rate[k]!);
    }
  }
}
