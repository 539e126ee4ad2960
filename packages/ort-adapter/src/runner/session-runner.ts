import type { Runner, RunnerDescription } from "@nearfree/core";
import type { Tensor, TensorConstructor } from "onnxruntime-common";
import type { KvSizes } from "../onnx/graph/classify-io.ts";
import type { RowTraits } from "../onnx/graph/rows/row-traits.ts";
import { requireOptions } from "../require-options.ts";
import { createClippedKvCache } from "./cache/clipped-kv-cache.ts";
import { ClippedPresent } from "./cache/clipped-present.ts";
import { DEFAULT_KV_CHUNK } from "./cache/in-place-kv-cache.ts";
import type { Feeds, KvCache } from "./cache/kv-cache.ts";
import { seedKvCache, zeroSample } from "./cache/seed-kv-cache.ts";
import { checkForward, invalid } from "./check-forward.ts";
import type { DecoderIo } from "./decoder-io.ts";
import type { RunnableSession } from "./decoder-pass.ts";
import { DecoderPass } from "./decoder-pass.ts";
import { forwardPieces, type Piece } from "./forward-pieces.ts";
import type { SessionIo } from "./io-names.ts";
import { resolveIo } from "./io-names.ts";
import type { IoTemplates } from "./io-templates.ts";
import { TokenHistory } from "./token-history.ts";
import type { KvCacheMode } from "./trial/find-kv-cache.ts";
import { findKvCache } from "./trial/find-kv-cache.ts";
import { firstRun } from "./trial/first-run.ts";

/** Positions of one forward while a long input is read in (prefill). */
export const DEFAULT_PREFILL_CHUNK = 128;

export interface SessionRunnerOptions {
  /** The `Tensor` class of the runtime that made the session. */
  readonly Tensor: TensorConstructor;
  /** Most positions that the model was made for: max_position_embeddings of its config. */
  readonly contextLimit: number;
  /** Default `auto`: found by trial when the session is wrapped. */
  readonly kvCache?: KvCacheMode;
  /** Positions by which an in-place KV cache grows. Default {@link DEFAULT_KV_CHUNK}. */
  readonly kvChunk?: number;
  /** Positions of one prefill forward. Default {@link DEFAULT_PREFILL_CHUNK}; 1: everything one position at a time. */
  readonly prefillChunk?: number;
  /** Names where they are not those of transformers.js, optimum and onnxruntime-genai. */
  readonly ioNames?: Partial<IoTemplates>;
  /** Sizes of the KV cache, where the session's metadata has symbols and a file beside the model tells. Else they are found out by runs. */
  readonly kvSizes?: KvSizes | undefined;
  /** What the model's graph says of its rows, where somebody read it. */
  readonly traits?: RowTraits | undefined;
}

/**
 * Wraps a session into a `Runner` for one sequence. Runs the model about 25 times on a few positions to see what it can do.
 *
 * What `forward` returns equals the same positions run one at a time, but for kernel rounding: a forward is split where the graph
 * changes (`traits.walls`), and run one position at a time where several rows were found not to equal single ones.
 *
 * @throws NearfreeError `unsupported-model` naming what cannot be verified or fed, `invalid-argument` for an option that is missing or out of range,
 *   `run-failed` when the model does not run at all.
 */
export async function createSessionRunner(
  session: SessionIo & RunnableSession,
  options: SessionRunnerOptions,
): Promise<Runner> {
  requireOptions({ session, options });
  const { Tensor: TensorClass, contextLimit, kvCache = "auto", traits } = options;
  const { inputMetadata, outputMetadata } = session;
  requireOptions({ inputMetadata, outputMetadata, Tensor: TensorClass });
  const prefillChunk = options.prefillChunk ?? DEFAULT_PREFILL_CHUNK;
  const kvChunk = options.kvChunk ?? DEFAULT_KV_CHUNK;
  requireInteger("contextLimit", contextLimit, 1);
  requireInteger("prefillChunk", prefillChunk, 1);
  requireInteger("kvChunk", kvChunk, 1);

  const declared = resolveIo(session, options.ioNames);
  const first = await firstRun(session, declared, TensorClass, { sizes: options.kvSizes, window: traits?.window });
  const pass = new DecoderPass(session, first.io, TensorClass);
  const { cache, fault } = await findKvCache(pass, first, TensorClass, {
    mode: kvCache,
    chunk: kvChunk,
    contextLimit,
    window: traits?.window,
  });
  const alone = traits?.dependence ?? fault ?? (prefillChunk === 1 ? "prefillChunk 1 was asked for" : undefined);
  const kept = cache.rowsAtOnce;
  const reason = alone ?? (kept === undefined ? undefined : `the model keeps a window of ${kept} positions`);
  const description: RunnerDescription = {
    vocabularySize: first.columns,
    contextLimit,
    batchLimit: 1,
    kvCache: cache.mode,
    rowsAtOnce: alone === undefined ? (kept ?? Number.POSITIVE_INFINITY) : 1,
    ...(reason !== undefined && { rowsAtOnceReason: reason }),
  };
  return new SessionRunner({
    pass,
    io: first.io,
    Tensor: TensorClass,
    cache,
    description,
    prefillChunk,
    walls: traits?.walls ?? [],
  });
}

/**
 * Fills the cache of a runner that `createSessionRunner` made with `length` positions of zeros, without a forward: what a forward costs
 * depends on how much the cache holds, not on what. For timing alone; what is decoded behind them means nothing.
 *
 * @throws NearfreeError `invalid-argument` for another runner, `context-exceeded`
 */
export async function seedRunner(runner: Runner, length: number): Promise<void> {
  if (!(runner instanceof SessionRunner)) {
    throw invalid("seedRunner", "a runner of createSessionRunner", "another one", "run its positions");
  }
  await runner.seed(length);
}

interface SessionRunnerParts {
  readonly pass: DecoderPass;
  readonly io: DecoderIo;
  readonly Tensor: TensorConstructor;
  readonly cache: KvCache;
  readonly description: RunnerDescription;
  readonly prefillChunk: number;
  readonly walls: readonly number[];
}

class SessionRunner implements Runner {
  readonly #pass: DecoderPass;
  readonly #io: DecoderIo;
  readonly #Tensor: TensorConstructor;
  readonly #description: RunnerDescription;
  readonly #prefillChunk: number;
  readonly #walls: readonly number[];
  #cache: KvCache;
  #rowsAtOnce: number;
  readonly #tokens = new TokenHistory(); // Of every position in the cache: the one before a lone position is run again.
  #logits = NO_LOGITS;
  #state: "idle" | "running" | "released" = "idle";

  constructor({ pass, io, Tensor: TensorClass, cache, description, prefillChunk, walls }: SessionRunnerParts) {
    this.#pass = pass;
    this.#io = io;
    this.#Tensor = TensorClass;
    this.#cache = cache;
    this.#description = description;
    this.#rowsAtOnce = description.rowsAtOnce;
    this.#prefillChunk = prefillChunk;
    this.#walls = walls;
  }

  describe(): RunnerDescription {
    return this.#description;
  }

  get length(): number {
    return this.#cache.length;
  }

  async forward(tokens: ArrayLike<number>, rows: number = tokens.length): Promise<Float32Array> {
    this.#requireIdle("forward");
    checkForward(tokens, rows, this.length, this.#description);
    const start = this.#cache.length;
    this.#state = "running";
    try {
      this.#tokens.write(start, tokens);
      return await this.#run(start, tokens.length, rows);
    } catch (error) {
      this.#cache.rewind(start);
      throw error;
    } finally {
      this.#state = "idle";
    }
  }

  async seed(length: number): Promise<void> {
    this.#requireIdle("seed");
    const tokens = new Int32Array(length);
    checkForward(tokens, 0, 0, this.#description);
    this.#tokens.write(0, tokens);
    this.#cache.rewind(0);
    await seedKvCache(this.#cache, this.#io.kv, this.#Tensor, zeroSample(this.#io.kv), length);
  }

  rewind(length: number): void {
    this.#requireIdle("rewind");
    if (!Number.isInteger(length) || length < 0 || length > this.length) {
      throw invalid("rewind", `a length from 0 to ${this.length}`, String(length), "rewind to a position that was run");
    }
    this.#cache.rewind(length);
  }

  async release(): Promise<void> {
    if (this.#state === "released") return;
    this.#requireIdle("release");
    this.#state = "released";
    this.#cache.release();
  }

  /** Runs positions [start, start + count), whose tokens are remembered, in as many forwards as it takes. */
  async #run(start: number, count: number, rows: number): Promise<Float32Array> {
    const pieces = forwardPieces(start, count, rows, {
      chunk: this.#prefillChunk,
      rowsAtOnce: this.#rowsAtOnce,
      walls: this.#walls,
      contextLimit: this.#description.contextLimit,
    });
    let given = 0;
    for (const [i, piece] of pieces.entries()) {
      let logits: Float32Array;
      try {
        logits = await this.#runPiece(piece);
      } catch (error) {
        if (!(error instanceof ClippedPresent) || this.#cache.rowsAtOnce !== undefined) throw error;
        await this.#keepWindows(error.windows);
        return this.#run(start, count, rows);
      }
      if (i === pieces.length - 1 && piece.rows === rows) return logits;
      const { vocabularySize } = this.#description;
      if (this.#logits.length < rows * vocabularySize) this.#logits = new Float32Array(rows * vocabularySize);
      this.#logits.set(logits.subarray(0, piece.rows * vocabularySize), given * vocabularySize);
      given += piece.rows;
    }
    return this.#logits.subarray(0, rows * this.#description.vocabularySize);
  }

  /** The logits of a piece's rows. */
  async #runPiece({ from, count, rows, before, behind }: Piece): Promise<Float32Array> {
    const last = from + count;
    // Padding repeats the last token: whatever stood there before is forgotten.
    if (behind > 0) this.#tokens.repeat(last - 1, behind);
    if (this.#cache.length !== from - before) this.#cache.rewind(from - before);
    const all = before + count + behind;
    const wanted = rows === 0 ? 0 : rows + behind;
    const logits = await this.#pass.run(this.#cache, this.#tokens.values, from - before, all, wanted);
    if (behind > 0) this.#cache.rewind(last);
    return logits === undefined ? NO_LOGITS : logits.data.subarray(0, rows * logits.columns);
  }

  /**
   * The model keeps a window that nobody had named: from here on every position is kept for it. Whether several rows are right beyond
   * the window was never tried, so they run one at a time.
   */
  async #keepWindows(windows: readonly number[]): Promise<void> {
    const before = this.#cache;
    const held: Feeds = {};
    await before.bind(before.length, held, {});
    const next = createClippedKvCache(this.#io.kv, this.#Tensor, windows);
    const results = this.#io.kv.map(({ past, present }) => [present, held[past] as Tensor]);
    next.commit(before.length, Object.fromEntries(results));
    before.release();
    this.#cache = next;
    this.#rowsAtOnce = 1;
  }

  #requireIdle(what: string): void {
    if (this.#state === "running") throw invalid(what, "one call at a time", "a forward in progress", "await it first");
    if (this.#state === "released") throw invalid(what, "a live runner", "a released one", "create another runner");
  }
}

const NO_LOGITS = new Float32Array(0);

function requireInteger(what: string, value: number, least: number): void {
  if (!Number.isInteger(value) || value < least) {
    throw invalid(what, `an integer of at least ${least}`, String(value), "change the option");
  }
}
