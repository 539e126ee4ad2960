import type { Tensor, TensorConstructor } from "onnxruntime-common";
import { biasName, PAST_LENGTH } from "../../rewrite/lean-inputs.ts";
import { writeBias } from "../../rewrite/write-bias.ts";
import type { LeanIo } from "../decoder-io.ts";
import type { Feeds } from "./kv-cache.ts";

interface Bias {
  readonly name: string;
  readonly window: number;
  // values[row * (capacity + rows) + column]: grows with capacity and rows, and is used for every number of rows
  values: Float32Array;
  /** tensors[rows]: of the present capacity. */
  tensors: (Tensor | undefined)[];
}

/** The feeds of a rewritten graph beside tokens, positions and cache, in memory that is reused. */
export class LeanFeeds {
  readonly #Tensor: TensorConstructor;
  readonly #biases: readonly Bias[];
  readonly #length: BigInt64Array | undefined;
  readonly #lengthTensor: Tensor | undefined;
  #capacity = -1;

  constructor({ pastLength, windows }: LeanIo, TensorClass: TensorConstructor) {
    this.#Tensor = TensorClass;
    this.#biases = windows.map((window) => ({
      name: biasName(window),
      window: window ?? Number.POSITIVE_INFINITY,
      values: new Float32Array(0),
      tensors: [],
    }));
    if (!pastLength) return;
    this.#length = new BigInt64Array(1);
    this.#lengthTensor = new TensorClass("int64", this.#length, [1]);
  }

  /** Feeds for `rows` new positions behind `length` live ones of `capacity`. Row i sees what is not later than itself, inside the window. */
  fill(feeds: Feeds, length: number, rows: number, capacity: number): void {
    if (this.#length !== undefined) {
      this.#length[0] = BigInt(length);
      feeds[PAST_LENGTH] = this.#lengthTensor!;
    }
    if (capacity !== this.#capacity) this.#forget(capacity);
    const columns = capacity + rows;
    for (const bias of this.#biases) {
      feeds[bias.name] = this.#tensorOf(bias, rows, columns);
      writeBias(bias.values, { length, count: rows }, { offset: 0, capacity, width: rows, window: bias.window });
    }
  }

  release(): void {
    this.#forget(-1);
    for (const bias of this.#biases) bias.values = new Float32Array(0);
  }

  #tensorOf(bias: Bias, rows: number, columns: number): Tensor {
    const size = rows * columns;
    if (bias.values.length < size) {
      bias.values = new Float32Array(size);
      bias.tensors = [];
    }
    // A tensor's data must be as long as its dimensions say: a view for each number of rows.
    bias.tensors[rows] ??= new this.#Tensor("float32", bias.values.subarray(0, size), [1, 1, rows, columns]);
    return bias.tensors[rows]!;
  }

  #forget(capacity: number): void {
    this.#capacity = capacity;
    for (const bias of this.#biases) bias.tensors = [];
  }
}
