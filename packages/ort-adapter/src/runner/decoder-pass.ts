import type { InferenceSession, Tensor, TensorConstructor } from "onnxruntime-common";
import type { Feeds, Fetches, KvCache, Results } from "./cache/kv-cache.ts";
import type { DecoderIo } from "./decoder-io.ts";
import { onDevice, readBack } from "./device-tensor.ts";
import { bitsOf } from "./half-bits.ts";
import { createHalfTable } from "./half-table.ts";
import { integerTensor, MaskFeed, RowFeed } from "./integer-feeds.ts";
import { refusePrunedHead } from "./io-names.ts";
import { runFailed } from "./run-failed.ts";

/** The part of an InferenceSession that a forward needs. */
export type RunnableSession = Pick<InferenceSession, "run">;

/** Logits of the last rows of a run, row-major [rows, columns]. */
export interface PassLogits {
  readonly data: Float32Array;
  readonly columns: number;
}

const DEFAULT_RUN: InferenceSession.RunOptions = {};

/**
 * One run of the session on some KV cache: builds the feeds from buffers that are reused, runs, and lets the cache take over what the
 * run left. Knows nothing of limits, chunks or who holds the cache.
 */
export class DecoderPass {
  readonly #session: RunnableSession;
  readonly #io: DecoderIo;
  readonly #tokens: RowFeed;
  readonly #positions: RowFeed | undefined;
  readonly #mask: MaskFeed | undefined;
  readonly #branch: { readonly past: Tensor; readonly empty: Tensor } | undefined;
  readonly #keep: (Tensor | undefined)[] = []; // #keep[rows]: the feed that asks for `rows` rows of logits.
  readonly #Tensor: TensorConstructor;
  readonly #feeds: Feeds = {};
  readonly #withLogits: Fetches = {};
  readonly #withoutLogits: Fetches = {};
  #halfTable: Float32Array | undefined;
  #widened = new Float32Array(0);

  constructor(session: RunnableSession, io: DecoderIo, TensorClass: TensorConstructor) {
    this.#session = session;
    this.#io = io;
    this.#Tensor = TensorClass;
    this.#tokens = new RowFeed(TensorClass, io.tokens);
    this.#positions = io.positionIds && new RowFeed(TensorClass, io.positionIds, io.positionIds.rank);
    this.#mask = io.attentionMask && new MaskFeed(TensorClass, io.attentionMask);
    const branch = (past: boolean) => new TensorClass("bool", Uint8Array.of(past ? 1 : 0), [1]);
    this.#branch = io.cacheBranch && { past: branch(true), empty: branch(io.cacheBranch.onEmpty) };
    this.#withLogits[io.logits.name] = null;
  }

  /**
   * Appends tokens[from .. from + count) to `cache`. `rows` of the last positions need logits; 0 fetches none and returns undefined.
   * @throws NearfreeError `run-failed`; `unsupported-model` when the model gave fewer rows than asked for. The cache is then unchanged.
   */
  async run(
    cache: KvCache,
    tokens: ArrayLike<number>,
    from: number,
    count: number,
    rows: number,
    options: InferenceSession.RunOptions = DEFAULT_RUN,
  ): Promise<PassLogits | undefined> {
    const total = cache.length + count;
    const feeds = this.#feeds;
    const fetches = rows > 0 ? this.#withLogits : this.#withoutLogits;
    const reading = cache.bind(total, feeds, fetches);
    if (reading !== undefined) await reading;
    feeds[this.#tokens.name] = this.#tokens.copy(tokens, from, count);
    if (this.#positions) feeds[this.#positions.name] = this.#positions.count(cache.length, count);
    if (this.#mask) feeds[this.#mask.name] = this.#mask.ones(total);
    if (this.#io.logitsToKeep) this.#keepRows(count, rows);
    if (this.#branch) feeds[this.#io.cacheBranch!.name] = this.#branch[cache.length > 0 ? "past" : "empty"];

    let results: Results;
    try {
      results = await this.#session.run(feeds, fetches, options);
    } catch (cause) {
      throw runFailed(feeds, cause);
    }
    cache.commit(total, results);
    if (rows === 0) return undefined;
    try {
      const { name } = this.#io.logits;
      const output = results[name] as Tensor;
      if (onDevice(output)) await readBack(name, output);
      return this.#lastRows(output, rows);
    } catch (error) {
      cache.rewind(total - count);
      throw error;
    }
  }

  #keepRows(count: number, rows: number): void {
    const input = this.#io.logitsToKeep!;
    // 0 would mean all. A head that sees one row of many may use the kernel of n = 1, whose bits differ: two rows at least.
    const keep = Math.max(rows, Math.min(2, count));
    this.#feeds[input.name] = this.#keep[keep] ??= integerTensor(this.#Tensor, input, keep);
  }

  #lastRows(tensor: Tensor, rows: number): PassLogits {
    const { dims } = tensor;
    const given = dims[1] ?? 0;
    const columns = dims[2] ?? 0;
    if (dims.length !== 3 || given < rows) {
      refusePrunedHead(this.#io.logits.name, `[${dims.join(", ")}] where ${rows} rows were asked for`);
    }
    const data = tensor.data instanceof Float32Array ? tensor.data : this.#widen(tensor);
    return { data: given === rows ? data : data.subarray((given - rows) * columns), columns };
  }

  /** float16 logits as float32, in a buffer that the next run reuses. */
  #widen(tensor: Tensor): Float32Array {
    const halves = bitsOf(tensor.data as Uint16Array);
    const { length } = halves;
    this.#halfTable ??= createHalfTable();
    if (this.#widened.length < length) this.#widened = new Float32Array(length);
    const values = this.#halfTable;
    const out = this.#widened;
    for (let i = 0; i < length; i++) out[i] = values[halves[i]!]!;
    return out.length === length ? out : out.subarray(0, length);
  }
}
