import { DraftLengthRule } from "./rival.ts";

/** `num_assistant_tokens` of generation_config, and its steps. */
const START = 5;
const RISE = 2;

/**
 * transformers, `num_assistant_tokens_schedule = "heuristic"` (generation/candidate_generator.py): two more when every draft
 * token was accepted, else one less, one at least. It never stops drafting and knows no cost.
 */
export class HuggingFaceRule extends DraftLengthRule {
  #length = START;

  length(): number {
    return this.#length;
  }

  protected learn(drafted: number, accepted: number): void {
    // Where the drafter had nothing, nothing was tried.
    if (drafted === 0) return;
    this.#length = accepted === drafted ? this.#length + RISE : Math.max(1, this.#length - 1);
  }
}
