import type { RunnerDescription } from "@nearfree/core";
import { NearfreeError } from "@nearfree/core";

/**
 * Checks a forward of `tokens` on `length` positions before anything runs.
 * @throws NearfreeError `invalid-argument`, `context-exceeded`
 */
export function checkForward(
  tokens: ArrayLike<number>,
  rows: number,
  length: number,
  { vocabularySize, contextLimit }: Pick<RunnerDescription, "vocabularySize" | "contextLimit">,
): void {
  const count = tokens.length;
  if (count === 0) throw invalid("tokens", "at least one token", "none", "forward at least one token");
  if (!Number.isInteger(rows) || rows < 0 || rows > count) {
    throw invalid("rows", `an integer from 0 to ${count}`, String(rows), "ask for rows of this forward only");
  }
  if (length + count > contextLimit) {
    throw new NearfreeError({
      code: "context-exceeded",
      from: "ort-adapter",
      what: "forward",
      expected: `at most ${contextLimit} positions`,
      received: `${length} + ${count}`,
      remedy: "shorten the input or rewind",
    });
  }
  for (let i = 0; i < count; i++) {
    const token = tokens[i]!;
    if (!(token >= 0 && token < vocabularySize && Number.isInteger(token))) {
      const expected = `an integer from 0 to ${vocabularySize - 1}`;
      throw invalid(`token ${i}`, expected, String(token), "use the tokenizer that belongs to the model");
    }
  }
}

export function invalid(what: string, expected: string, received: string, remedy: string): NearfreeError {
  return new NearfreeError({ code: "invalid-argument", from: "ort-adapter", what, expected, received, remedy });
}
