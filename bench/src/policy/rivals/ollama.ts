import { DraftLengthRule, MOST_DRAFTED } from "./rival.ts";

/** Acceptance of a position nobody has tried. */
const UNTRIED = 0.5;
/** Trials of a position that are averaged; from then on the rate is a running one. */
const AVERAGED = 10;
const RATE_WEIGHT = 0.1;
const COST_WEIGHT = 0.3;
/** One step moves a cost as if it were off by this share at most. */
const COST_CLAMP = 0.25;
/** Rounds between two tries of one more, at first and at most. */
const PROBE_INTERVAL = 32;
const PROBE_INTERVAL_MAX = 512;

/**
 * Ollama's depth controller (ollama/ollama pull request 16791, x/mlxrunner): the depth of the best expected tokens over cost, from
 * none to one past the deepest one tried, both learned from its own steps; now and then one more than that.
 */
export class OllamaRule extends DraftLengthRule {
  // [k]: of draft token k + 1
  readonly #rate = new Float64Array(MOST_DRAFTED);
  readonly #tries = new Int32Array(MOST_DRAFTED);
  // [depth]: running ms; NaN where it was never run
  readonly #cost = new Float64Array(MOST_DRAFTED + 1).fill(Number.NaN);
  #frontier = 0;
  #probing = false;
  #interval = PROBE_INTERVAL;
  #since = 0;
  #selected = 0;

  length(): number {
    const selected = this.#select();
    if (selected !== this.#selected) {
      this.#interval = PROBE_INTERVAL;
      this.#since = 0;
      this.#selected = selected;
    } else if (this.#probing) {
      this.#interval = Math.min(this.#interval * 2, PROBE_INTERVAL_MAX);
    }
    this.#probing = false;
    if (++this.#since < this.#interval) return selected;
    this.#since = 0;
    const probe = Math.min(selected + 1, this.#frontier + 1, MOST_DRAFTED);
    this.#probing = probe > selected;
    return probe;
  }

  protected learn(drafted: number, accepted: number, ms: number): void {
    for (let k = 0; k < drafted; k++) {
      const hit = k < accepted ? 1 : 0;
      const tries = ++this.#tries[k]!;
      this.#rate[k]! += (hit - this.#rate[k]!) * Math.max(1 / tries, tries > AVERAGED ? RATE_WEIGHT : 0);
    }
    this.#frontier = Math.max(this.#frontier, drafted);
    const cost = this.#cost[drafted]!;
    if (Number.isNaN(cost)) {
      this.#cost[drafted] = ms;
      return;
    }
    const limit = COST_CLAMP * cost;
    this.#cost[drafted] = cost + COST_WEIGHT * Math.max(-limit, Math.min(limit, ms - cost));
  }

  #select(): number {
    let lowest = UNTRIED;
    for (let k = 0; k < this.#frontier; k++) if (this.#tries[k]! > 0) lowest = Math.min(lowest, this.#rate[k]!);
    let [tokens, survival, best] = [1, 1, 0];
    let bestRate = 1 / this.#costOf(0);
    for (let depth = 1; depth <= Math.min(this.#frontier + 1, MOST_DRAFTED); depth++) {
      survival *= this.#tries[depth - 1]! > 0 ? this.#rate[depth - 1]! : lowest;
      tokens += survival;
      const rate = tokens / this.#costOf(depth);
      if (rate <= bestRate) continue;
      bestRate = rate;
      best = depth;
    }
    return best;
  }

  /** ms of a depth as measured; as the profile has it where it was never run, which at home it would not know. */
  #costOf(depth: number): number {
    const measured = this.#cost[depth]!;
    return Number.isNaN(measured) ? this.profiledMs(depth) : measured;
  }
}
