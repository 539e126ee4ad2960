import { NearfreeError, type NearfreeErrorCode, type Runner } from "@nearfree/core";
import type { Probe } from "@nearfree/core/measure";

export interface ModelProbeOptions {
  /**
   * Tokens of real text: what a forward costs may depend on them (a mixture of experts routes by content). The context is their
   * beginning; timed forwards go through all of them in turn.
   */
  readonly tokens: ArrayLike<number>;
  /** Positions in the KV cache before each timed forward. */
  readonly contextLength: number;
}

/**
 * Measures a whole model through its runner, by the path that a decode loop takes: `prepare` rewinds to `contextLength`, `run(n)`
 * forwards the next n tokens of the text and reads every row of logits back. The context is read in once, at the first
 * `prepare`; rows are compared there, and at the beginnings of it that are half and a quarter as long. The runner belongs to the probe while it is in use.
 *
 * @throws NearfreeError `invalid-argument` for a runner that is none, without text, for tokens outside the vocabulary, or where the text
 *   has no token beyond the context; `context-exceeded` where the model's context has no place for one.
 */
export function createModelProbe(runner: Runner, options: ModelProbeOptions): Probe {
  if (typeof runner?.describe !== "function") {
    throw refused("runner", "a Runner", typeof runner, "pass what createSessionRunner or openModel gives");
  }
  const { contextLimit, vocabularySize, rowsAtOnce } = runner.describe();
  const { tokens, contextLength } = options ?? {};
  requireText(tokens, vocabularySize);
  if (!Number.isInteger(contextLength) || contextLength < 0 || contextLength >= tokens.length) {
    const expected = `an integer from 0 to ${tokens.length - 1}, below the ${tokens.length} tokens of the text`;
    throw refused("contextLength", expected, String(contextLength), "give more text or a shorter context");
  }
  if (contextLength >= contextLimit) {
    const expected = `at most ${contextLimit - 1}, one below the model's context`;
    const remedy = "calibrate at a shorter context";
    throw refused("contextLength", expected, String(contextLength), remedy, "context-exceeded");
  }
  const text = Int32Array.from(tokens);
  // Contexts of the places at which rows are compared, longest first: each is the beginning of the one before.
  const places = [...new Set([contextLength, Math.floor(contextLength / 2), Math.floor(contextLength / 4)])];
  const further = furtherPlaces(contextLength, places);
  const startOf = (place: number) => places[place] ?? further[place - places.length]!;
  // Length of the context that is in the cache.
  let read: number | undefined;
  let next = contextLength;
  let input = text;

  async function returnTo(length: number): Promise<void> {
    // A cache that keeps a window cannot always go back to a shorter context.
    if (length === read || (length < (read ?? 0) && rowsAtOnce === Number.POSITIVE_INFINITY)) {
      runner.rewind(length);
      read = length;
      return;
    }
    runner.rewind(0);
    if (length > 0) await runner.forward(text.subarray(0, length), 0);
    read = length;
  }

  /** The tokens of n rows at a place. At the last of several places those of the second half are others than the text's. */
  function rowsAt(place: number, n: number): { readonly tokens: Int32Array; readonly alike: number } {
    const start = startOf(place);
    const tokens = text.slice(start, start + n);
    if (place === 0 || place !== places.length - 1) return { tokens, alike: n };
    const alike = Math.ceil(n / 2);
    for (let i = alike; i < n; i++) tokens[i] = (tokens[i]! + 1) % vocabularySize;
    return { tokens, alike };
  }

  return {
    // More rows than the runner runs at once are several forwards: their cost says nothing of parallelism.
    maxPositions: Math.min(Math.min(contextLimit, text.length) - contextLength, rowsAtOnce),
    prepare(n: number) {
      if (next + n > text.length) next = 0;
      input = text.subarray(next, next + n);
      next += n;
      return returnTo(contextLength);
    },
    async run() {
      await runner.forward(input);
    },
    rows: {
      columns: vocabularySize,
      places: places.length,
      furtherPlaces: further.length,
      async together(n: number, place = 0) {
        await returnTo(startOf(place));
        const { tokens: row, alike } = rowsAt(place, n);
        return (await runner.forward(row)).subarray(0, alike * vocabularySize);
      },
      async singly(count: number, place = 0) {
        await returnTo(startOf(place));
        const singles = new Float32Array(count * vocabularySize);
        for (const [row, token] of text.subarray(startOf(place), startOf(place) + count).entries()) {
          singles.set(await runner.forward([token]), row * vocabularySize);
        }
        return singles;
      },
    },
  };
}

/** Most places that rows are compared at beyond the first ones. */
const MOST_FURTHER = 48;

/** Contexts between the longest and the shortest place, longest first, so that each is reached by a rewind. */
function furtherPlaces(contextLength: number, places: readonly number[]): number[] {
  const least = places.at(-1)!;
  const step = Math.max(1, Math.floor((contextLength - least) / (MOST_FURTHER + 1)));
  const starts = Array.from({ length: MOST_FURTHER }, (_, i) => contextLength - (i + 1) * step);
  return starts.filter((start) => start > least && !places.includes(start));
}

function requireText(
  tokens: ArrayLike<number> | undefined,
  vocabularySize: number,
): asserts tokens is ArrayLike<number> {
  const remedy = "pass the token ids of real text as `tokens`: some hundred more than `contextLength`";
  if (!((tokens?.length ?? 0) > 0)) throw refused("tokens", "token ids, at least one", "none", remedy);
  const at = Array.prototype.findIndex.call(tokens, (id) => !(Number.isInteger(id) && id >= 0 && id < vocabularySize));
  if (at !== -1) {
    const expected = `ids from 0 to ${vocabularySize - 1}`;
    throw refused("tokens", expected, `${tokens![at]} at ${at}`, "use the tokenizer that belongs to the model");
  }
}

function refused(
  what: string,
  expected: string,
  received: string,
  remedy: string,
  code: NearfreeErrorCode = "invalid-argument",
): NearfreeError {
  return new NearfreeError({ code, from: "calibrate", what, expected, received, remedy });
}
