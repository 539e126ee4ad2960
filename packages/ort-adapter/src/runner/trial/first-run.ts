import { NearfreeError } from "@nearfree/core";
import type { InferenceSession, Tensor, TensorConstructor } from "onnxruntime-common";
import type { KvSizes } from "../../onnx/graph/classify-io.ts";
import { createGrowingKvCache } from "../cache/growing-kv-cache.ts";
import { createInPlaceKvCache } from "../cache/in-place-kv-cache.ts";
import type { KvCache } from "../cache/kv-cache.ts";
import { createLeanKvCache } from "../cache/lean-kv-cache.ts";
import type { DeclaredIo, DeclaredKvSlot, DecoderIo, KvSlot } from "../decoder-io.ts";
import { DecoderPass, type RunnableSession } from "../decoder-pass.ts";

/** Only fatal errors are logged: a model that refuses a trial is not a fault to be reported to the user. */
export const QUIET: InferenceSession.RunOptions = { logSeverityLevel: 4 };

export interface FirstRunHints {
  readonly sizes?: KvSizes | undefined;
  /** Positions that the narrowest attention window keeps. */
  readonly window?: number | undefined;
}

/** What one forward of one token on an empty cache has shown. */
export interface FirstRun {
  readonly io: DecoderIo;
  /** Columns of the logits. */
  readonly columns: number;
  /** Ids from 0 on that a trial may use: a head may have more columns than there are tokens. */
  readonly ids: number;
  /** Capacity that the past needs from the first forward on; 0: an empty past runs. */
  readonly leastCapacity: number;
}

/** Head sizes of common decoders, tried in this order where neither files nor ONNX Runtime's own words tell. */
const HEAD_SIZES = [64, 128, 96, 80, 256, 32, 16, 48, 112, 160, 192, 40, 72, 512];
/** Corrections before the model is given up: every layer may have sizes of its own. */
const MOST_RUNS = 256;

/**
 * Runs one token on an empty cache until it runs: sizes that are symbols and the capacity that a sliding window wants are put right by
 * what ONNX Runtime says of them, else by trying. A model with fixed sizes runs once.
 *
 * @throws NearfreeError `run-failed` where it never runs, as it failed first; `unsupported-model` where the sizes stay unknown.
 */
export async function firstRun(
  session: RunnableSession,
  declared: DeclaredIo,
  TensorClass: TensorConstructor,
  { sizes, window }: FirstRunHints = {},
): Promise<FirstRun> {
  const guess = new Guess(declared, sizes, window);
  let first: unknown;
  for (let run = 0; run < MOST_RUNS; run++) {
    const io = guess.io();
    const pass = new DecoderPass(session, io, TensorClass);
    const { leastCapacity } = guess;
    const shared = { chunk: 1, contextLimit: leastCapacity, leastCapacity };
    const cache = io.lean
      ? createLeanKvCache(io, TensorClass, { contextLimit: 1 })
      : leastCapacity > 0
        ? createInPlaceKvCache(io.kv, TensorClass, shared)
        : createGrowingKvCache(io.kv, TensorClass);
    try {
      const { token } = guess;
      const { columns } = (await pass.run(cache, [token], 0, 1, 1, QUIET))!;
      if (guess.raiseToken(columns)) continue;
      return { io: await withPresentSizes(io, cache), columns, ids: token + 1, leastCapacity };
    } catch (error) {
      if (!(error instanceof NearfreeError) || error.code !== "run-failed") throw error;
      first ??= error;
      if (!guess.correct(error.cause)) throw guess.sizesKnown ? first : guess.unknown(error);
    }
  }
  throw first;
}

/** What is still open of a model, corrected after each run that failed. */
class Guess {
  leastCapacity = 0;
  /** The highest id that may exist. */
  token: number;
  #tokenKnown: boolean;
  readonly #declared: DeclaredIo;
  readonly #heads: number[];
  readonly #headDims: number[];
  readonly #sizes: number[];
  readonly #capacities: number[];
  readonly #told = new Set<string>(); // Axis and slot of every size that the runtime itself has named.
  #branchOnEmpty = true;
  #lastMessage = "";

  constructor(declared: DeclaredIo, sizes: KvSizes | undefined, window: number | undefined) {
    const { kv } = declared;
    this.#declared = declared;
    this.#tokenKnown = declared.vocabularySize !== undefined;
    this.token = (declared.vocabularySize ?? 1) - 1;
    const known = kv.find(({ headDim }) => headDim !== undefined)?.headDim;
    this.#heads = kv.map((slot) => slot.heads ?? (sizes?.heads ?? 1) * (slot.packed ? 2 : 1));
    this.#headDims = kv.map((slot) => slot.headDim ?? sizes?.headDim ?? known ?? HEAD_SIZES[0]!);
    this.#sizes = kv.every(({ headDim }) => headDim !== undefined) ? [] : HEAD_SIZES.slice(1);
    this.#capacities = window === undefined ? [] : [window];
  }

  io(): DecoderIo {
    const kv = this.#declared.kv.map(
      (slot, i): KvSlot => ({ ...slot, heads: this.#heads[i]!, headDim: this.#headDims[i]! }),
    );
    const { cacheBranch } = this.#declared;
    return { ...this.#declared, kv, cacheBranch: cacheBranch && { ...cacheBranch, onEmpty: this.#branchOnEmpty } };
  }

  get sizesKnown(): boolean {
    return this.#declared.kv.every(({ heads, headDim }) => heads !== undefined && headDim !== undefined);
  }

  /** Puts one thing right by what the runtime threw. False: nothing is left to try. */
  correct(cause: unknown): boolean {
    const message = cause instanceof Error ? cause.message : String(cause);
    const news = message !== this.#lastMessage;
    this.#lastMessage = message;
    if (news && (this.#readCapacity(message) || this.#readSize(message))) return true;
    if (this.#lowerToken(message)) return true;
    if (this.#declared.cacheBranch && this.#branchOnEmpty) {
      this.#branchOnEmpty = false;
      return true;
    }
    const capacity = this.#capacities.shift();
    if (capacity !== undefined) {
      this.leastCapacity = capacity;
      return true;
    }
    const size = this.#sizes.shift();
    if (size === undefined) return this.#takeFirstToken();
    this.#each((slot, i) => {
      if (slot.headDim === undefined) this.#headDims[i] = size;
    });
    return true;
  }

  unknown(error: NearfreeError): NearfreeError {
    const slot = this.#declared.kv.find(({ heads, headDim }) => heads === undefined || headDim === undefined)!;
    return new NearfreeError({
      code: "unsupported-model",
      from: "ort-adapter",
      what: `input ${slot.past}`,
      expected: "heads and head size in its shape, in a config beside the model, or to be found by a run",
      received: error.message.replace(/^.*?received /, ""),
      remedy: "pass them as kvSizes",
      cause: error.cause,
    });
  }

  #each(change: (slot: DeclaredKvSlot, i: number) => void): void {
    this.#declared.kv.forEach(change);
  }

  /** Once the columns are known: whether to run again with the highest id that they allow. */
  raiseToken(columns: number): boolean {
    if (this.#tokenKnown) return false;
    this.#tokenKnown = true;
    this.token = columns - 1;
    return this.token > 0;
  }

  /** The last resort: a runtime may refuse an id in words of its own. */
  #takeFirstToken(): boolean {
    if (this.token === 0) return false;
    this.token = 0;
    return true;
  }

  /** Gather names the ids that there are: `idx=9 must be within the inclusive range [-3,2]`. */
  #lowerToken(message: string): boolean {
    const highest = Number(/out of data bounds.*\[-\d+,(\d+)\]/.exec(message)?.[1]);
    if (!(highest < this.token)) return false;
    this.token = highest;
    return true;
  }

  /** GroupQueryAttention names the capacity that its window wants. */
  #readCapacity(message: string): boolean {
    const wanted = Number(/capacity \(\d+\) must be at least \w+ \((\d+)\)/.exec(message)?.[1]);
    if (!(wanted > this.leastCapacity)) return false;
    this.leastCapacity = wanted;
    return true;
  }

  /** Attention kernels name the size that they want: `Input 'past_key' dimension 3 should match ..., got 64 expected 16`. */
  #readSize(message: string): boolean {
    const [, axis, text] = /dimension (\d)\D.*?expected:? (\d+)/i.exec(message) ?? [];
    const wanted = Number(text);
    const layer = /layers?[./](\d+)/.exec(message)?.[1];
    let changed = false;
    if (axis !== "1" && axis !== "3") return false;
    // What one layer wants the others are taken to want, until they say otherwise themselves.
    this.#each((slot, i) => {
      const own = layer === undefined || new RegExp(`\\D${layer}(\\D|$)`).test(slot.past);
      const [declared, held] = axis === "1" ? [slot.heads, this.#heads] : [slot.headDim, this.#headDims];
      if (declared !== undefined || !(wanted > 0) || (!own && this.#told.has(`${axis} ${i}`))) return;
      if (own) this.#told.add(`${axis} ${i}`);
      changed ||= held[i] !== wanted;
      held[i] = wanted;
    });
    return changed;
  }
}

/** A graph may take an empty past of any size: what its present has is right. */
async function withPresentSizes(io: DecoderIo, cache: KvCache): Promise<DecoderIo> {
  const feeds: Record<string, unknown> = {};
  await cache.bind(cache.length, feeds as never, {});
  cache.release();
  const kv = io.kv.map((slot): KvSlot => {
    const { dims } = feeds[slot.past] as Tensor;
    const heads = dims.at(-3)! * (slot.packed ? 2 : 1);
    return { ...slot, heads, headDim: dims.at(-1)! };
  });
  return { ...io, kv };
}
