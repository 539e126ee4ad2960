import type { Draft, Drafter } from "../drafter.ts";
import { NearfreeError } from "../errors.ts";
import { SuffixIndex } from "./suffix-index.ts";

export interface NgramOptions {
  /** Longest match that is told from a longer one. Default 16. */
  readonly maxMatch?: number;
  /** Earlier places looked at for one draft. Default 32. */
  readonly candidates?: number;
}

export const DEFAULT_MAX_MATCH = 16;
export const DEFAULT_CANDIDATES = 32;

/** Confidence that each further token loses: matches end. */
const FADE = 0.98;

/**
 * Prompt lookup: continues the text as it went on after the longest earlier match of its last tokens, the most recent one on
 * ties. Searches prompt and output alike. Free beside a forward: `costMs` is 0.
 *
 * A draft that reaches the end of the text goes on with itself, so periodic text is continued as far as asked.
 * Saxena 2023, Prompt Lookup Decoding.
 *
 * @throws NearfreeError `invalid-argument` unless maxMatch >= 2 and candidates >= 1 are integers.
 */
export function createNgramDrafter(options: NgramOptions = {}): Drafter {
  const maxMatch = atLeast(2, "maxMatch", options.maxMatch ?? DEFAULT_MAX_MATCH);
  const candidates = atLeast(1, "candidates", options.candidates ?? DEFAULT_CANDIDATES);
  const index = new SuffixIndex(maxMatch, candidates);
  return {
    costMs: 0,
    reset(context) {
      index.clear();
      for (let i = 0; i < context.length; i++) index.push(context[i]!);
    },
    propose(max, out) {
      const wanted = Math.min(max, out.tokens.length);
      out.length = wanted > 0 && index.find() ? wanted : 0;
      if (out.length > 0) fill(index, out);
    },
    learn(emitted, count) {
      for (let i = 0; i < count; i++) index.push(emitted[i]!);
    },
  };
}

function fill(index: SuffixIndex, out: Draft): void {
  const { tokens, length, start } = index;
  let confidence = confidenceOf(index.match, index.agreeing, index.found);
  for (let k = 0; k < out.length; k++) {
    const from = start + k;
    out.tokens[k] = from < length ? tokens[from]! : out.tokens[from - length]!;
    out.confidence[k] = confidence;
    confidence *= FADE;
  }
}

/**
 * How sure the first token is: rises with the match's length, and with the share of places that go on the same way
 * (Laplace's rule, so that a lone place proves little). A prior only: the scheduler learns what each value is worth.
 */
function confidenceOf(match: number, agreeing: number, found: number): number {
  const agreement = (agreeing + 1) / (found + 2);
  const long = 1 - 1 / match;
  return agreement + (1 - agreement) * long * long;
}

function atLeast(least: number, what: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new NearfreeError({
    code: "invalid-argument",
    from: "core",
    what: `${what} of the n-gram drafter`,
    expected: `an integer of at least ${least}`,
    received: String(value),
    remedy: "leave it out for the default",
  });
}
