import type { BatchPart, BatchRunner, BatchRunnerDescription } from "@nearfree/core";
import type { Tensor, TensorConstructor } from "onnxruntime-common";
import type { KvSizes } from "../../onnx/graph/classify-io.ts";
import type { RowTraits } from "../../onnx/graph/rows/row-traits.ts";
import type { Feeds, Fetches, Results } from "../cache/kv-cache.ts";
import { checkForward, invalid } from "../check-forward.ts";
import type { DecoderIo } from "../decoder-io.ts";
import type { RunnableSession } from "../decoder-pass.ts";
import { resolveIo, type SessionIo } from "../io-names.ts";
import type { IoTemplates } from "../io-templates.ts";
import { refuse } from "../io-values.ts";
import { runFailed } from "../run-failed.ts";
import { firstRun } from "../trial/first-run.ts";
import { BatchFeeds, type PlacedPart } from "./batch-feeds.ts";
import { BatchKvCache } from "./batch-kv-cache.ts";
import { checkLayout } from "./check-layout.ts";

/** Sequences at a time, where the caller names no number. */
const DEFAULT_SLOTS = 16;

export interface BatchRunnerOptions {
  /** The `Tensor` class of the runtime that made the session. */
  readonly Tensor: TensorConstructor;
  /** Most positions that the model was made for. */
  readonly contextLimit: number;
  /** Most sequences at a time. Default 16. */
  readonly slots?: number;
  /** Names where they are not those of transformers.js, optimum and onnxruntime-genai. */
  readonly ioNames?: Partial<IoTemplates>;
  /** Sizes of the KV cache, where the session's metadata has symbols. */
  readonly kvSizes?: KvSizes | undefined;
  /** What the model's graph says of its rows. */
  readonly traits?: RowTraits | undefined;
}

/**
 * Wraps a session of a graph rewritten for its KV cache (form `lean`, whose mask is an input) for several sequences of unequal length,
 * trees of candidates and blocks.
 *
 * @throws NearfreeError `unsupported-model` for another graph, or one whose rows depend on each other or on the length; `invalid-argument`.
 */
export async function createBatchRunner(
  session: SessionIo & RunnableSession,
  { Tensor: TensorClass, contextLimit, slots = DEFAULT_SLOTS, ioNames, kvSizes, traits }: BatchRunnerOptions,
): Promise<BatchRunner> {
  for (const [what, value] of Object.entries({ contextLimit, slots })) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw invalid(what, "an integer of at least 1", String(value), "change the option");
    }
  }
  const declared = resolveIo(session, ioNames);
  const masked = (declared.lean?.windows.length ?? 0) > 0 && !declared.lean!.pastLength && !declared.attentionMask;
  if (!masked) {
    const remedy = "open it with kvCache lean; its attention must be a GroupQueryAttention";
    refuse("several sequences", "a rewritten graph whose mask is an input", "a mask inside the graph", remedy);
  }
  const wall = traits?.walls.find((length) => length < contextLimit);
  const received = traits?.dependence ?? (wall === undefined ? undefined : `a graph that changes at position ${wall}`);
  if (received !== undefined) {
    refuse("several sequences", "rows that depend on nothing beside them", received, "run them one at a time");
  }
  const { io, columns } = await firstRun(session, declared, TensorClass, { sizes: kvSizes, window: traits?.window });
  return new LeanBatchRunner(session, io, TensorClass, {
    vocabularySize: columns,
    contextLimit,
    slotLimit: slots,
  });
}

class LeanBatchRunner implements BatchRunner {
  readonly #session: RunnableSession;
  readonly #io: DecoderIo;
  readonly #description: BatchRunnerDescription;
  readonly #cache: BatchKvCache;
  readonly #inputs: BatchFeeds;
  readonly #fetches: Fetches;
  readonly #places: number[] = []; // Slot of each place in the cache.
  #state: "idle" | "running" | "released" = "idle";

  constructor(
    session: RunnableSession,
    io: DecoderIo,
    TensorClass: TensorConstructor,
    description: BatchRunnerDescription,
  ) {
    this.#session = session;
    this.#io = io;
    this.#description = description;
    this.#cache = new BatchKvCache(io.kv, TensorClass, description.contextLimit);
    this.#inputs = new BatchFeeds(io, TensorClass);
    this.#fetches = Object.fromEntries(io.kv.map(({ present }) => [present, null]));
  }

  describe(): BatchRunnerDescription {
    return this.#description;
  }

  open(): number {
    this.#requireIdle("open");
    const { slotLimit } = this.#description;
    if (this.#places.length === slotLimit) {
      throw invalid("open", `at most ${slotLimit} sequences`, "another one", "close one, or ask for more slots");
    }
    let slot = 0;
    while (this.#places.includes(slot)) slot++;
    this.#places.push(slot);
    this.#cache.add();
    return slot;
  }

  length(slot: number): number {
    return this.#cache.lengths[this.#placeOf(slot)]!;
  }

  async forward(parts: readonly BatchPart[]): Promise<readonly Float32Array[]> {
    this.#requireIdle("forward");
    const placed = this.#check(parts);
    const width = Math.max(...parts.map(({ tokens }) => tokens.length));
    const lengths = this.#cache.lengths.slice(0, placed.length);
    // Padding lies behind the new rows of shorter parts: it takes room in the forward, and none in the cache.
    const total = Math.max(...placed.map((part, place) => lengths[place]! + (part?.tokens.length ?? 0)));
    const feeds: Feeds = {};
    this.#cache.bind(placed.length, total, feeds);
    this.#inputs.fill(feeds, placed, { width, capacity: this.#cache.capacity, lengths });
    const wantsLogits = parts.some(({ tokens, rows = tokens.length }) => rows > 0);
    const fetches = wantsLogits ? { ...this.#fetches, [this.#io.logits.name]: null } : this.#fetches;
    const results = await this.#run(feeds, fetches);
    this.#cache.commit(
      results,
      width,
      placed.map((part) => part?.tokens.length ?? 0),
    );
    const logits = wantsLogits ? ((results[this.#io.logits.name] as Tensor).data as Float32Array) : new Float32Array(0);
    return parts.map(({ slot, tokens, rows = tokens.length }) => {
      const { vocabularySize } = this.#description;
      const end = this.#placeOf(slot) * width + tokens.length;
      return logits.subarray((end - rows) * vocabularySize, end * vocabularySize);
    });
  }

  rewind(slot: number, length: number): void {
    this.#requireIdle("rewind");
    const place = this.#placeOf(slot);
    const now = this.#cache.lengths[place]!;
    if (!Number.isInteger(length) || length < 0 || length > now) {
      throw invalid("rewind", `a length from 0 to ${now}`, String(length), "rewind to a position that was run");
    }
    this.#cache.rewind(place, length);
  }

  keep(slot: number, from: number, kept: ArrayLike<number>): void {
    this.#requireIdle("keep");
    const place = this.#placeOf(slot);
    const behind = this.#cache.lengths[place]! - from;
    if (!Number.isInteger(from) || from < 0 || behind < 0) {
      throw invalid(
        "keep",
        `a position from 0 to ${this.#cache.lengths[place]}`,
        String(from),
        "name one that was run",
      );
    }
    const ascending = Array.from(kept).every(
      (at, i) => Number.isInteger(at) && at >= 0 && at < behind && (i === 0 || at > kept[i - 1]!),
    );
    if (!ascending) {
      throw invalid("keep", `ascending places below ${behind}`, Array.from(kept).join(", "), "name rows that were run");
    }
    this.#cache.keep(place, from, kept);
  }

  close(slot: number): void {
    this.#requireIdle("close");
    const place = this.#placeOf(slot);
    this.#cache.remove(place);
    const last = this.#places.pop()!;
    if (place < this.#places.length) this.#places[place] = last;
  }

  async release(): Promise<void> {
    if (this.#state === "released") return;
    this.#requireIdle("release");
    this.#state = "released";
    this.#places.length = 0;
    this.#cache.release();
  }

  /** The parts at their places, up to the last place that has one. @throws NearfreeError */
  #check(parts: readonly BatchPart[]): PlacedPart[] {
    if (parts.length === 0) throw invalid("parts", "at least one", "none", "forward at least one sequence");
    const placed: PlacedPart[] = [];
    for (const part of parts) {
      const place = this.#placeOf(part.slot);
      if (placed[place] !== undefined) {
        throw invalid("parts", "each slot once", `slot ${part.slot} twice`, "join its tokens");
      }
      const { tokens, rows = tokens.length, layout } = part;
      checkForward(tokens, rows, this.#cache.lengths[place]!, this.#description);
      if (layout !== undefined) checkLayout(layout, tokens.length, this.#description.contextLimit);
      placed[place] = part;
    }
    return Array.from(placed);
  }

  async #run(feeds: Feeds, fetches: Fetches): Promise<Results> {
    this.#state = "running";
    try {
      return await this.#session.run(feeds, fetches);
    } catch (cause) {
      throw runFailed(feeds, cause);
    } finally {
      this.#state = "idle";
    }
  }

  #placeOf(slot: number): number {
    const place = this.#places.indexOf(slot);
    if (place === -1) throw invalid(`slot ${slot}`, "one that is open", "none", "open() gives it");
    return place;
  }

  #requireIdle(what: string): void {
    if (this.#state === "running") throw invalid(what, "one call at a time", "a forward in progress", "await it first");
    if (this.#state === "released") throw invalid(what, "a live runner", "a released one", "create another runner");
  }
}
