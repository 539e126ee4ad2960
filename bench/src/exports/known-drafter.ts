import type { Drafter } from "@nearfree/core";

/** Says which draft tokens are made wrong: the k-th of a draft, counted over the whole text. */
export type Mistakes = (draftToken: number) => boolean;

export const never: Mistakes = () => false;
export const always: Mistakes = () => true;
export const everyThird: Mistakes = (draftToken) => draftToken % 3 === 2;

/**
 * Drafts a continuation that is known beforehand, sure of every token, with mistakes where asked: what drafters do at their best and
 * at their worst. `continuation` follows `promptLength` tokens.
 */
export function createKnownDrafter(
  promptLength: number,
  continuation: readonly number[],
  vocabularySize: number,
  mistaken: Mistakes,
): Drafter {
  let length = promptLength;
  let drafted = 0;
  return {
    costMs: 0,
    reset(context) {
      length = context.length;
      drafted = 0;
    },
    propose(max, out) {
      const at = length - promptLength;
      const count = Math.max(0, Math.min(max, out.tokens.length, continuation.length - at));
      for (let k = 0; k < count; k++) {
        const right = continuation[at + k]!;
        out.tokens[k] = mistaken(drafted++) ? (right + 1) % vocabularySize : right;
        out.confidence[k] = 0.95;
      }
      out.length = count;
    },
    learn(_emitted, count) {
      length += count;
    },
  };
}
