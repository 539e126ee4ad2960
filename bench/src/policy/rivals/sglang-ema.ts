import { DraftLengthRule } from "./rival.ts";

/** Draft tokens to choose from: its defaults for one sequence, and 15 as in its runs with n-gram drafts. */
export const SGLANG_CANDIDATES: readonly number[] = [1, 3, 5, 7, 15];
const ALPHA = 0.2;
const WARM_UP = 10;
const INTERVAL = 5;
/** Accepted tokens by which a threshold is lowered on the way down. */
const DOWN = -0.25;

/**
 * SGLang's default adaptive steps (sgl-project/sglang pull request 21599, adaptive_spec_params.py): the running accepted length
 * against half a token below each candidate. It knows no cost, and one draft token is the least.
 */
export class SglangEmaRule extends DraftLengthRule {
  #at = SGLANG_CANDIDATES.length >> 1;
  #accepted = SGLANG_CANDIDATES[this.#at]! - 1;
  #steps = 0;

  length(): number {
    return SGLANG_CANDIDATES[this.#at]!;
  }

  protected learn(drafted: number, accepted: number): void {
    if (drafted === 0) return;
    this.#accepted += ALPHA * (accepted - this.#accepted);
    this.#steps++;
    if (this.#steps <= WARM_UP || (this.#steps - WARM_UP) % INTERVAL !== 0) return;
    const before = this.#at;
    while (this.#at > 0 && this.#accepted <= SGLANG_CANDIDATES[this.#at - 1]! - 0.5 + DOWN) this.#at--;
    if (this.#at < before) return;
    while (this.#at < SGLANG_CANDIDATES.length - 1 && this.#accepted > SGLANG_CANDIDATES[this.#at]! - 0.5) this.#at++;
  }
}
