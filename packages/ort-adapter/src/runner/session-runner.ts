import type { Runner, RunnerDescription } from "@nearfree/core";
import { NearfreeError } from "@nearfree/core";
import type { TensorConstructor } from "onnxruntime-common";
import type { RowTraits } from "../onnx/graph/rows/row-traits.ts";
import type { RunnableSession } from "./decoder-pass.ts";
import { DecoderPass } from "./decoder-pass.ts";
import type { KvCacheMode } from "./find-kv-cache.ts";
import { findKvCache } from "./find-kv-cache.ts";
import { DEFAULT_KV_CHUNK } from "./in-place-kv-cache.ts";
import type { IoTemplates, SessionIo } from "./io-names.ts";
import { resolveIo } from "./io-names.ts";
import type { KvCache } from "./kv-cache.ts";

/** Positions of one forward while a long input is read in (prefill). */
export const DEFAULT_PREFILL_CHUNK = 128;

const MIN_PREFILL_CHUNK = 3;

export interface SessionRunnerOptions {
  /** The `Tensor` class of the runtime that made the session. */
  readonly Tensor: TensorConstructor;
  /** Most positions that the model was made for: max_position_embeddings of its config. */
  readonly contextLimit: number;
  /** Default `auto`: found by trial when the session is wrapped. */
  readonly kvCache?: KvCacheMode;
  /** Positions by which an in-place KV cache grows. Default {@link DEFAULT_KV_CHUNK}. */
  readonly kvChunk?: number;
  /** Positions of one prefill forward, at least 3. Default {@link DEFAULT_PREFILL_CHUNK}. */
  readonly prefillChunk?: number;
  /** Names where they are not those of transformers.js, optimum and onnxruntime-genai. */
  readonly ioNames?: Partial<IoTemplates>;
  /** What the model's graph says of its rows, where somebody read it. */
  readonly traits?: RowTraits | undefined;
}

/**
 * Wraps a session into a `Runner` for one sequence. Runs the model a few times on six positions to see what it can do.
 *
 * @throws NearfreeError `unsupported-model` naming what cannot be verified or fed, `invalid-argument` for an option out of range,
 *   `run-failed` when the model does not run at all.
 */
export async function createSessionRunner(
  session: SessionIo & RunnableSession,
  options: SessionRunnerOptions,
): Promise<Runner> {
  const { Tensor: TensorClass, contextLimit, kvCache = "auto" } = options;
  const prefillChunk = options.prefillChunk ?? DEFAULT_PREFILL_CHUNK;
  const kvChunk = options.kvChunk ?? DEFAULT_KV_CHUNK;
  requireInteger("contextLimit", contextLimit, 1);
  requireInteger("prefillChunk", prefillChunk, MIN_PREFILL_CHUNK);
  requireInteger("kvChunk", kvChunk, 1);

  const io = resolveIo(session, options.ioNames);
  const pass = new DecoderPass(session, io, TensorClass);
  const found = await findKvCache(pass, io, TensorClass, kvCache, { chunk: kvChunk, contextLimit });
  const description: RunnerDescription = {
    vocabularySize: found.vocabularySize,
    contextLimit,
    batchLimit: 1,
    kvCache: found.cache.mode,
  };
  return new SessionRunner(pass, found.cache, description, prefillChunk);
}

class SessionRunner implements Runner {
  readonly #pass: DecoderPass;
  readonly #cache: KvCache;
  readonly #description: RunnerDescription;
  readonly #prefillChunk: number;
  #state: "idle" | "running" | "released" = "idle";

  constructor(pass: DecoderPass, cache: KvCache, description: RunnerDescription, prefillChunk: number) {
    this.#pass = pass;
    this.#cache = cache;
    this.#description = description;
    this.#prefillChunk = prefillChunk;
  }

  describe(): RunnerDescription {
    return this.#description;
  }

  get length(): number {
    return this.#cache.length;
  }

  async forward(tokens: ArrayLike<number>, rows: number = tokens.length): Promise<Float32Array> {
    this.#check(tokens, rows);
    const start = this.#cache.length;
    this.#state = "running";
    try {
      // The last forward holds every row asked for; what comes before is read in chunks and its logits are never fetched.
      let from = 0;
      for (
        let count = this.#nextChunk(tokens.length, rows);
        count > 0;
        count = this.#nextChunk(tokens.length - from, rows)
      ) {
        await this.#pass.run(this.#cache, tokens, from, count, 0);
        from += count;
      }
      const logits = await this.#pass.run(this.#cache, tokens, from, tokens.length - from, rows);
      return logits === undefined ? NO_LOGITS : logits.data;
    } catch (error) {
      this.#cache.rewind(start);
      throw error;
    } finally {
      this.#state = "idle";
    }
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

  /**
   * Positions to run before the last forward when `left` remain; 0 when the last forward takes them all. A single position would run on
   * the kernels of n = 1, whose bits differ from those of every n >= 2: no chunk is one, and none leaves one.
   */
  #nextChunk(left: number, rows: number): number {
    if (left <= this.#prefillChunk || left - rows < 2) return 0;
    const count = Math.min(this.#prefillChunk, left - rows);
    return left - count === 1 ? count - 1 : count;
  }

  #check(tokens: ArrayLike<number>, rows: number): void {
    this.#requireIdle("forward");
    const { vocabularySize, contextLimit } = this.#description;
    const count = tokens.length;
    if (count === 0) throw invalid("tokens", "at least one token", "none", "forward at least one token");
    if (!Number.isInteger(rows) || rows < 0 || rows > count) {
      throw invalid("rows", `an integer from 0 to ${count}`, String(rows), "ask for rows of this forward only");
    }
    if (this.length + count > contextLimit) {
      throw new NearfreeError({
        code: "context-exceeded",
        from: "ort-adapter",
        what: "forward",
        expected: `at most ${contextLimit} positions`,
        received: `${this.length} + ${count}`,
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

function invalid(what: string, expected: string, received: string, remedy: string): NearfreeError {
  return new NearfreeError({ code: "invalid-argument", from: "ort-adapter", what, expected, received, remedy });
}
