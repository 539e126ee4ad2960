import { LEAN_CHUNK } from "@nearfree/core/measure";
import type { Tensor, TensorConstructor } from "onnxruntime-common";
import { type Feeds, type KvArray, kvArray, kvElements, kvTensor, type Results } from "../cache/kv-cache.ts";
import type { KvSlot } from "../decoder-io.ts";

/**
 * KV caches of several sequences for a graph whose presents are its new rows alone. Per tensor of the model one array
 * [sequences, heads, capacity, headDim], so that the first sequences of it are the past of a forward as they lie in memory. Sequences are
 * known by their place in it: 0, 1, ...
 */
export class BatchKvCache {
  readonly #kv: readonly KvSlot[];
  readonly #Tensor: TensorConstructor;
  readonly #contextLimit: number;
  #arrays: KvArray[];
  #lengths: number[] = [];
  #room = 0; // Sequences that the arrays have room for.
  #capacity = 0; // Positions of each.
  #views: (readonly Tensor[] | undefined)[] = []; // [sequences]: the past of the first ones.

  constructor(kv: readonly KvSlot[], TensorClass: TensorConstructor, contextLimit: number) {
    this.#kv = kv;
    this.#Tensor = TensorClass;
    this.#contextLimit = contextLimit;
    this.#arrays = kv.map(({ type }) => kvArray(type, 0));
  }

  get capacity(): number {
    return this.#capacity;
  }

  /** Positions of each sequence. */
  get lengths(): readonly number[] {
    return this.#lengths;
  }

  /** Adds an empty sequence, at the last place. */
  add(): void {
    this.#lengths.push(0);
  }

  /** Removes a sequence; the last one takes its place. */
  remove(place: number): void {
    const last = this.#lengths.length - 1;
    const length = this.#lengths[last]!;
    if (place !== last)
      this.#eachHead((array, at, headDim) => {
        const from = at(last);
        array.copyWithin(at(place), from, from + length * headDim);
      });
    this.#lengths[place] = length;
    this.#lengths.pop();
  }

  rewind(place: number, length: number): void {
    this.#lengths[place] = length;
  }

  /** Keeps the positions from + kept[i] of those behind `from`, side by side. */
  keep(place: number, from: number, kept: ArrayLike<number>): void {
    this.#eachHead((array, at, headDim) => {
      const start = at(place) + from * headDim;
      for (let i = 0; i < kept.length; i++) {
        const source = start + kept[i]! * headDim;
        if (kept[i] !== i) array.copyWithin(start + i * headDim, source, source + headDim);
      }
    });
    this.#lengths[place] = from + kept.length;
  }

  /** Names the past of the first `sequences` in `feeds`, with room for `total` positions each. */
  bind(sequences: number, total: number, feeds: Feeds): void {
    if (sequences > this.#room || total > this.#capacity) this.#grow(sequences, total);
    const views = this.#views[sequences] ?? this.#viewsOf(sequences);
    this.#views[sequences] = views;
    for (const [i, { past }] of this.#kv.entries()) feeds[past] = views[i]!;
  }

  /** Appends the first rows[place] of the `width` new rows that the run left for each sequence. */
  commit(results: Results, width: number, rows: readonly number[]): void {
    for (const [i, { present, heads, headDim }] of this.#kv.entries()) {
      const news = kvElements(results[present] as Tensor);
      const target = this.#arrays[i]!;
      for (const [place, count] of rows.entries()) {
        for (let head = 0; head < heads; head++) {
          const from = (place * heads + head) * width * headDim;
          const to = ((place * heads + head) * this.#capacity + this.#lengths[place]!) * headDim;
          target.set(news.subarray(from, from + count * headDim), to);
        }
      }
    }
    for (const [place, count] of rows.entries()) this.#lengths[place]! += count;
  }

  release(): void {
    this.#arrays = this.#kv.map(({ type }) => kvArray(type, 0));
    this.#lengths = [];
    this.#views = [];
    this.#room = this.#capacity = 0;
  }

  /** Twice the sequences, a chunk more of positions. All allocations come before anything is given up. */
  #grow(sequences: number, total: number): void {
    const room = sequences > this.#room ? Math.max(sequences, 2 * this.#room) : this.#room;
    const chunks = Math.ceil(total / LEAN_CHUNK) * LEAN_CHUNK;
    const capacity = Math.max(this.#capacity, Math.min(Math.max(this.#contextLimit, total), chunks));
    const grown = this.#kv.map(({ type, heads, headDim }) => kvArray(type, room * heads * capacity * headDim));
    for (const [i, { heads, headDim }] of this.#kv.entries()) {
      for (const [place, length] of this.#lengths.entries()) {
        for (let head = place * heads; head < (place + 1) * heads; head++) {
          const from = head * this.#capacity * headDim;
          grown[i]!.set(this.#arrays[i]!.subarray(from, from + length * headDim), head * capacity * headDim);
        }
      }
    }
    this.#arrays = grown;
    this.#room = room;
    this.#capacity = capacity;
    this.#views = [];
  }

  #viewsOf(sequences: number): Tensor[] {
    return this.#kv.map((slot, i) => {
      const size = sequences * slot.heads * this.#capacity * slot.headDim;
      return kvTensor(this.#Tensor, slot, this.#arrays[i]!.subarray(0, size), this.#capacity, sequences);
    });
  }

  /** Calls `change` with each head of each tensor: its array, and where a sequence begins in it. */
  #eachHead(change: (array: KvArray, at: (place: number) => number, headDim: number) => void): void {
    for (const [i, { heads, headDim }] of this.#kv.entries()) {
      for (let head = 0; head < heads; head++) {
        change(this.#arrays[i]!, (place) => (place * heads + head) * this.#capacity * headDim, headDim);
      }
    }
  }
}
