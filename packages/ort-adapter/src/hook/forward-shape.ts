import type { InferenceSession, Tensor } from "onnxruntime-common";
import type { TellingValues } from "./telling-values.ts";

type Feeds = InferenceSession.FeedsType;
type Results = InferenceSession.ReturnType;

/** A forward of one sequence: its rows, and the positions in the KV cache before it. */
export interface SeenForward {
  readonly rows: number;
  readonly past: number;
}

/** Why a forward could not be followed, in words. */
export interface UnclearForward {
  readonly unclear: string;
}

/**
 * Reads from feeds and results how many rows a forward ran, and on how long a past. Looks at shapes, and at the values of nothing but the
 * switch of a merged export.
 */
export class ForwardShape {
  readonly #values: TellingValues;
  /** Forwards in a row whose mask said nothing of the cache: all of it, or the new tokens alone. */
  #blankMasks = 0;

  constructor(values: TellingValues) {
    this.#values = values;
  }

  /** Rows of a forward of one sequence. 0 for anything else: several sequences, feeds that lack the tokens, no feeds at all. */
  rows(feeds: Feeds): number {
    const dims = dimsOf(feeds, this.#values.tokens);
    if (dims?.length === 1) return dims[0]!;
    return dims?.[0] === 1 ? (dims[1] ?? 0) : 0;
  }

  /**
   * What a forward of `rows` rows was, once it has run. A cache that grew by as much as was run says how long it was, whatever the mask is.
   * One that did not grow is written in place or a window, and the mask [batch, total] tells; where it does not, nothing does.
   * `planned`: whether it was the forward that a plan waited for.
   */
  read(feeds: Feeds, results: Results, rows: number, planned: boolean): SeenForward | UnclearForward {
    const { past, present, branch, mask } = this.#values;
    const before = this.#positions(feeds, past);
    const after = present === undefined ? undefined : this.#positions(results, present);
    const maskDims = mask === undefined ? undefined : dimsOf(feeds, mask);
    const total = maskDims?.length === 2 ? maskDims[1]! : undefined;
    if (branch !== undefined && isFalse(feeds, branch)) return { rows, past: 0 };
    if (before === undefined) return { unclear: `${past} was not fed, or has no shape of a KV cache` };
    if (after === before + rows) return { rows, past: before };
    if (after === rows && before <= 1) return { rows, past: 0 }; // A dummy that the model left out.
    if (after === undefined && total === undefined) return { rows, past: before };
    if (total === undefined)
      return { unclear: `${past} holds ${before} positions whatever was run, and no mask [1, total] tells` };
    if (total < rows)
      return { unclear: `${mask} [${maskDims!.join(", ")}] does not cover the ${rows} rows that were run` };
    if (after !== undefined && after < total) {
      return {
        unclear: `${present} keeps the last ${after} positions of ${total}: draft tokens that fall cannot be dropped from it`,
      };
    }
    // The end of a full cache and the start of an empty one look so, once each; a loop that always feeds it tells nothing.
    this.#blankMasks = planned && before > 0 && (total === before || total === rows) ? this.#blankMasks + 1 : 0;
    if (this.#blankMasks < 3) return { rows, past: total - rows };
    return {
      unclear: `${mask} [1, ${total}] says the same at every forward, and ${past} holds ${before} positions whatever was run`,
    };
  }

  /** Rows of logits that a forward returned; undefined where it returned none. */
  logitRows(results: Results): number | undefined {
    const dims = dimsOf(results, this.#values.logits);
    return dims?.length === 3 ? dims[1] : undefined;
  }

  #positions(values: Feeds | Results, name: string): number | undefined {
    return dimsOf(values, name)?.at(-this.#values.axisFromEnd);
  }
}

/** Whatever the caller feeds: judging it is the session's own business. */
function dimsOf(values: Feeds | Results | null | undefined, name: string): readonly number[] | undefined {
  return (values?.[name] as Partial<Tensor> | undefined)?.dims;
}

function isFalse(feeds: Feeds, name: string): boolean {
  const { data, location } = (feeds[name] ?? {}) as Partial<Tensor>;
  return location === "cpu" && (data as Uint8Array)[0] === 0;
}
