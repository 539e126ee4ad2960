import { NearfreeError } from "@nearfree/core";
import type { InferenceSession, Tensor, TensorConstructor } from "onnxruntime-common";
import type { Feeds, Fetches, Results } from "./cache/kv-cache.ts";
import { kvArray, kvShape } from "./cache/kv-cache.ts";
import type { DecoderIo, IntegerInput } from "./decoder-io.ts";
import type { RunnableSession } from "./decoder-pass.ts";
import { bitsOf, keepAsBits } from "./half-bits.ts";
import { createHalfTable } from "./half-table.ts";
import { integerTensor, maskTensor, onesOf } from "./integer-feeds.ts";
import { refusePrunedHead } from "./io-names.ts";
import { ortMessage } from "./ort-message.ts";
import { runFailed } from "./run-failed.ts";

/** Positions of one forward while the context is read in. */
const CONTEXT_CHUNK = 128;
/** The trial: a context and a forward on it, both wider than one position, whose kernels may be special. */
const TRIAL_CONTEXT = 4;
const TRIAL_POSITIONS = 2;
/** Only fatal errors are logged: a model that refuses the trial is no fault to be reported twice. */
const QUIET: InferenceSession.RunOptions = { logSeverityLevel: 4 };

/** A KV cache of every sequence: tensors [batch, heads, length, headDim] by the name of their input. */
export interface Past {
  readonly length: number;
  readonly tensors: Readonly<Record<string, Tensor>>;
}

/** Sequences of equal length that go through a decoder together. */
export class Sequences {
  /** Fetches of a forward that reads everything back, and of one that only fills the cache. */
  readonly all: Fetches;
  readonly #cacheOnly: Fetches;
  readonly #session: RunnableSession;
  readonly #io: DecoderIo;
  readonly #Tensor: TensorConstructor;
  readonly #batch: number;
  readonly #tokens: ArrayLike<number>;
  readonly #stride: number;
  #halfTable: Float32Array | undefined;

  constructor(
    session: RunnableSession,
    io: DecoderIo,
    TensorClass: TensorConstructor,
    { batch, tokens }: { readonly batch: number; readonly tokens: ArrayLike<number> },
  ) {
    this.#session = session;
    this.#io = io;
    this.#Tensor = TensorClass;
    this.#batch = batch;
    this.#tokens = tokens;
    this.#stride = Math.ceil(tokens.length / batch);
    this.#cacheOnly = Object.fromEntries(io.kv.map(({ present }) => [present, null]));
    this.all = { ...this.#cacheOnly, [io.logits.name]: null };
  }

  /** Columns of the logits, once a short context and a forward on it have run. @throws NearfreeError `unsupported-model`. */
  async tryOut(): Promise<number> {
    let results: Results;
    try {
      const past = await this.read(TRIAL_CONTEXT, QUIET);
      results = await this.run(this.feeds(past, TRIAL_POSITIONS, TRIAL_POSITIONS), this.all, QUIET);
    } catch (error) {
      if (this.#batch === 1 || !(error instanceof NearfreeError && error.code === "run-failed")) throw error;
      throw this.#refused(ortMessage(error.cause), error.cause);
    }
    const { name } = this.#io.logits;
    const { dims } = results[name] as Tensor;
    const shape = `[${dims.join(", ")}]`;
    if (dims[0] !== this.#batch) throw this.#refused(`logits ${shape} for a batch of ${this.#batch}`);
    if (dims[1] !== TRIAL_POSITIONS) refusePrunedHead(name, `${shape} for ${TRIAL_POSITIONS} positions`);
    return dims[2]!;
  }

  /** The cache of the first `length` positions of every sequence. */
  async read(length: number, options?: InferenceSession.RunOptions): Promise<Past> {
    let past = this.#emptyPast();
    while (past.length < length) {
      const count = Math.min(CONTEXT_CHUNK, length - past.length);
      // A row of logits is computed all the same: two, since one may use a kernel of its own.
      past = this.pastAfter(past, count, await this.run(this.feeds(past, count, 2), this.#cacheOnly, options));
    }
    return past;
  }

  /** Inputs of a forward that adds `count` positions to `past`; `rows` of the last ones need logits. */
  feeds({ length, tensors }: Past, count: number, rows: number): Feeds {
    const { attentionMask, positionIds, logitsToKeep, cacheBranch } = this.#io;
    const feeds: Feeds = { ...tensors, ...this.tokensFrom(length, count) };
    if (attentionMask) {
      const ones = onesOf(attentionMask.type, this.#batch * (length + count));
      feeds[attentionMask.name] = maskTensor(this.#Tensor, attentionMask.type, ones, this.#batch);
    }
    if (positionIds) feeds[positionIds.name] = this.#positions(positionIds, length, count);
    if (cacheBranch) {
      const past = length > 0 || cacheBranch.onEmpty;
      feeds[cacheBranch.name] = new this.#Tensor("bool", Uint8Array.of(past ? 1 : 0), [1]);
    }
    if (logitsToKeep) feeds[logitsToKeep.name] = integerTensor(this.#Tensor, logitsToKeep, Math.min(rows, count));
    return feeds;
  }

  /** The input of `count` tokens of every sequence's part of the text, from its token `start` on. */
  tokensFrom(start: number, count: number): Feeds {
    const { tokens } = this.#io;
    const token = (b: number, i: number) => this.#tokens[(b * this.#stride + start + i) % this.#tokens.length]!;
    return { [tokens.name]: this.#integers(tokens, count, token) };
  }

  /** @throws NearfreeError `run-failed` */
  async run(feeds: Feeds, fetches: Fetches, options: InferenceSession.RunOptions = {}): Promise<Results> {
    try {
      return await this.#session.run(feeds, fetches, options);
    } catch (cause) {
      throw runFailed(feeds, cause);
    }
  }

  pastAfter({ length }: Past, count: number, results: Results): Past {
    const tensors = this.#io.kv.map(({ past, present }) => [past, keepAsBits(results[present] as Tensor)]);
    return { length: length + count, tensors: Object.fromEntries(tensors) };
  }

  /** The outputs called `names` of a forward of the first `count` tokens of every sequence. @throws NearfreeError `run-failed` */
  values(names: readonly string[], count: number): Promise<Results> {
    const fetches: Fetches = Object.fromEntries(names.map((name) => [name, null]));
    return this.run(this.feeds(this.#emptyPast(), count, 1), fetches);
  }

  /** Logits of the first sequence, row-major [n, columns]. */
  firstLogits(results: Results): Float32Array {
    const logits = results[this.#io.logits.name] as Tensor;
    return this.floats(logits, logits.dims[1]! * logits.dims[2]!);
  }

  /** The first `size` values of a tensor of float32 or float16. */
  floats({ data, size: all }: Tensor, size = all): Float32Array {
    if (data instanceof Float32Array) return data.subarray(0, size);
    this.#halfTable ??= createHalfTable();
    return Float32Array.from(bitsOf(data as Uint16Array).subarray(0, size), (half) => this.#halfTable![half]!);
  }

  #emptyPast(): Past {
    const tensors = this.#io.kv.map((slot) => {
      const none = kvArray(slot.type, 0);
      return [slot.past, keepAsBits(new this.#Tensor(slot.type, none, kvShape(slot, this.#batch, 0)))];
    });
    return { length: 0, tensors: Object.fromEntries(tensors) };
  }

  /** The same positions for every sequence, in the model's own rank. */
  #positions({ type, rank }: NonNullable<DecoderIo["positionIds"]>, start: number, count: number): Tensor {
    const shape = rank === 1 ? [count] : rank === 2 ? [this.#batch, count] : [3, this.#batch, count];
    const size = shape.reduce((product, dim) => product * dim, 1);
    return this.#tensor(type, size, shape, (at) => start + (at % count));
  }

  /** A tensor [batch, count]. */
  #integers({ type }: IntegerInput, count: number, value: (b: number, i: number) => number): Tensor {
    const shape = [this.#batch, count];
    return this.#tensor(type, this.#batch * count, shape, (at) => value(Math.floor(at / count), at % count));
  }

  #tensor(type: IntegerInput["type"], size: number, shape: number[], value: (at: number) => number): Tensor {
    const values = Array.from({ length: size }, (_, at) => value(at));
    const data = type === "int64" ? BigInt64Array.from(values, BigInt) : Int32Array.from(values);
    return new this.#Tensor(type, data, shape);
  }

  #refused(received: string, cause?: unknown): NearfreeError {
    return new NearfreeError({
      code: "unsupported-model",
      from: "ort-adapter",
      what: `batch ${this.#batch}`,
      expected: "attention that carries several sequences on a non-empty KV cache",
      received,
      remedy: "measure batch 1, or export the model with decomposed attention",
      cause,
    });
  }
}
