import { NearfreeError } from "../contracts/errors.ts";
import type { Clock } from "../contracts/probe.ts";
import type { Runner } from "../contracts/runner.ts";

export interface ScriptedModelOptions {
  readonly vocabularySize?: number;
  readonly contextLimit?: number;
  /** Share of places where the text repeats what stood `period` tokens before, in [0, 1], or by the text's length. Default 0.7. */
  readonly repetition?: number | ((length: number) => number);
  readonly period?: number;
  readonly seed?: number;
  /** Tokens whose forward had fewer rows than this carry other bits, which can flip the argmax. Default 0: invariant. */
  readonly variantBelow?: number;
  /** What `describe()` tells of it; the forwards do not change. Default: no limit. */
  readonly rowsAtOnce?: number;
  /** Simulated ms of a forward of `rows` rows. Default 1. */
  readonly costMs?: (rows: number) => number;
}

export interface ScriptedRunner extends Runner {
  /** Simulated time: passes only inside forwards. */
  readonly clock: Clock;
  /** Tokens in the KV cache. */
  readonly cached: readonly number[];
  /** Rows of every forward so far. */
  readonly forwards: readonly number[];
}

/**
 * A language model without weights, in memory: the next token is a function of the text so far, partly repetitive.
 * With `variantBelow` it also depends on how each token of the text was computed, as on kernels that change with the rows.
 */
export function createScriptedRunner(options: ScriptedModelOptions = {}): ScriptedRunner {
  const { vocabularySize = 64, contextLimit = 512, costMs = () => 1, variantBelow = 0 } = options;
  const { rowsAtOnce = Number.POSITIVE_INFINITY } = options;
  const reason = rowsAtOnce === Number.POSITIVE_INFINITY ? {} : { rowsAtOnceReason: "the script says so" };
  const cached: number[] = [];
  // variants[i]: 1 where token i was run in a forward of fewer rows than variantBelow
  const variants: number[] = [];
  const forwards: number[] = [];
  let nowMs = 0;
  let released = false;
  return {
    cached,
    forwards,
    clock: () => nowMs,
    describe: () => ({ vocabularySize, contextLimit, batchLimit: 1, kvCache: "in-place", rowsAtOnce, ...reason }),
    get length() {
      return cached.length;
    },
    async forward(tokens, rows = tokens.length) {
      if (released) refuse("invalid-argument", "forward", "a live runner", "a released one");
      refuseInput(tokens, rows, vocabularySize);
      if (cached.length + tokens.length > contextLimit) {
        refuse("context-exceeded", "forward", `at most ${contextLimit} positions`, `${cached.length + tokens.length}`);
      }
      const logits = new Float32Array(rows * vocabularySize);
      for (let i = 0; i < tokens.length; i++) {
        cached.push(tokens[i]!);
        variants.push(tokens.length < variantBelow ? 1 : 0);
        const row = i - (tokens.length - rows);
        if (row < 0) continue;
        for (let column = 0; column < vocabularySize; column++) {
          logits[row * vocabularySize + column] = (hash(column, cached.length) % 1000) / 1000;
        }
        logits[row * vocabularySize + nextToken(cached, variants, vocabularySize, options)] = 2;
      }
      forwards.push(tokens.length);
      nowMs += costMs(tokens.length);
      return logits;
    },
    rewind(length) {
      if (!(Number.isSafeInteger(length) && length >= 0 && length <= cached.length)) {
        refuse("invalid-argument", "rewind", `an integer from 0 to ${cached.length}`, `${length}`);
      }
      cached.length = variants.length = length;
    },
    async release() {
      released = true;
      cached.length = variants.length = 0;
    },
  };
}

function refuseInput(tokens: ArrayLike<number>, rows: number, vocabularySize: number): void {
  const bad = Array.from(tokens).find((token) => !(Number.isInteger(token) && token >= 0 && token < vocabularySize));
  if (bad !== undefined) refuse("invalid-argument", "token", `an integer from 0 to ${vocabularySize - 1}`, `${bad}`);
  if (tokens.length === 0) refuse("invalid-argument", "tokens", "at least one", "none");
  if (!(Number.isInteger(rows) && rows >= 0 && rows <= tokens.length)) {
    refuse("invalid-argument", "rows", `an integer from 0 to ${tokens.length}`, `${rows}`);
  }
}

function nextToken(
  text: readonly number[],
  variants: readonly number[],
  vocabularySize: number,
  { repetition = 0.7, period = 17, seed = 1 }: ScriptedModelOptions,
): number {
  const [a = 0, b = 0, c = 0] = [text.at(-1), text.at(-2), text.at(-3)];
  const variant = (variants.at(-1) ?? 0) + (variants.at(-2) ?? 0) + (variants.at(-5) ?? 0);
  const place = hash(hash(a + 1, b + 1), hash(c + 1, seed));
  if (variant > 0 && place % 8 === 0) return hash(place, variant) % vocabularySize;
  const share = typeof repetition === "number" ? repetition : repetition(text.length);
  const repeats = hash(place, Math.floor(text.length / 5)) % 1000 < share * 1000;
  return repeats && text.length >= period ? text[text.length - period]! : place % vocabularySize;
}

/** Mixes two integers (the finaliser of MurmurHash3). */
function hash(a: number, b: number): number {
  let h = Math.imul(a ^ Math.imul(b, 0x9e3779b1), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function refuse(
  code: "run-failed" | "context-exceeded" | "invalid-argument",
  what: string,
  expected: string,
  received: string,
): never {
  throw new NearfreeError({ code, from: "core", what, expected, received, remedy: "this is the scripted runner" });
}
