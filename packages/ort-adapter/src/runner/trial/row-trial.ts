import type { KvCache } from "../cache/kv-cache.ts";
import type { DecoderPass } from "../decoder-pass.ts";
import { rowError, rowErrors } from "./compare-rows.ts";
import { QUIET } from "./first-run.ts";

/** Positions of a trial's text, and those in front that its two endings share. */
export const TRIAL_LENGTH = 6;
const SHARED = 4;
/** Endings are compared on a past of this many positions too. */
const SHORT_PAST = 2;

/** A text with two endings: `a` and `b` are the same but for the last two tokens. */
interface TrialText {
  readonly a: readonly number[];
  readonly b: readonly number[];
}

/** Ids below `ids`, all over them (multiples of the golden ratio), others for each `index`; few of them repeat themselves. */
export function trialText(ids: number, index: number): TrialText {
  const token = (i: number) => Math.floor(ids * (((index * 8 + i + 1) * 0.6180339887498949) % 1));
  const a = Array.from({ length: TRIAL_LENGTH }, (_, i) => token(i));
  const other = a.slice(SHARED).map((id, i) => {
    const candidate = token(TRIAL_LENGTH + i);
    return candidate === id ? (id + 1) % ids : candidate;
  });
  return { a, b: [...a.slice(0, SHARED), ...other] };
}

/** Logits of each position of a text, run one at a time: what is right. */
export interface SingleRows {
  /** Of ending a: all positions. */
  readonly a: readonly Float32Array[];
  /** Of ending b: the same, those in front taken from a. */
  readonly b: readonly Float32Array[];
}

/** Logits of forwards of several rows, row-major each. */
export interface TogetherRows {
  readonly whole: Float32Array;
  readonly changed: Float32Array;
  readonly onPast: Float32Array;
  readonly onShortPast: Float32Array;
}

/** Runs the texts of a trial on one cache, which ends with the positions of the last forward. */
export class RowTrial {
  readonly #pass: DecoderPass;
  readonly #cache: KvCache;

  constructor(pass: DecoderPass, cache: KvCache) {
    this.#pass = pass;
    this.#cache = cache;
  }

  /** Runs `tokens` on the first `from` positions. */
  async forward(from: number, tokens: readonly number[]): Promise<Float32Array> {
    this.#cache.rewind(from);
    return (await this.#pass.run(this.#cache, tokens, 0, tokens.length, tokens.length, QUIET))!.data.slice();
  }

  async singly({ a, b }: TrialText): Promise<SingleRows> {
    const rows: Float32Array[] = [];
    for (const [position, token] of a.entries()) rows.push(await this.forward(position, [token]));
    const others = rows.slice(0, SHARED);
    for (let position = SHARED; position < b.length; position++) {
      others.push(await this.forward(position, [b[position]!]));
    }
    return { a: rows, b: others };
  }

  async together({ a, b }: TrialText): Promise<TogetherRows> {
    return {
      whole: await this.forward(0, a),
      changed: await this.forward(0, b),
      onPast: await this.forward(SHARED, a.slice(SHARED)),
      onShortPast: await this.forward(SHORT_PAST, b.slice(SHORT_PAST)),
    };
  }
}

/**
 * Largest change of a row by the tokens behind it, as a `rowError`. The forwards have the same shape, so kernels round alike: where no
 * row depends on its neighbours the change is 0, or rounding where experts get other batches.
 */
export function changeByLaterRows({ whole, changed }: TogetherRows, columns: number): number {
  let largest = 0;
  for (let row = 0; row < SHARED; row++) {
    const part = (logits: Float32Array) => logits.subarray(row * columns, (row + 1) * columns);
    largest = Math.max(largest, rowError(part(changed), part(whole)));
  }
  return largest;
}

/** `rowError` of every row of the trial: of the whole text at once (only rounding shows there) and of several rows on a past. */
export interface TrialErrors {
  readonly whole: readonly number[];
  readonly onPast: readonly number[];
}

export function trialErrors(together: TogetherRows, singles: SingleRows, columns: number): TrialErrors {
  return {
    whole: [
      ...rowErrors(together.whole, columns, singles.a).slice(1),
      ...rowErrors(together.changed, columns, singles.b).slice(SHARED),
    ],
    onPast: [
      ...rowErrors(together.onPast, columns, singles.a.slice(SHARED)),
      ...rowErrors(together.onShortPast, columns, singles.b.slice(SHORT_PAST)),
    ],
  };
}
