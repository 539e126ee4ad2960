import type { Tensor, TensorConstructor } from "onnxruntime-common";
import { biasName, PAST_LENGTH } from "../../rewrite/lean-inputs.ts";
import type { LeanIo } from "../decoder-io.ts";
import type { Feeds } from "./kv-cache.ts";

/** Added to the score of a position that a row does not see: nothing is left of it, and a sum with it is still a number. */
const UNSEEN = -1e30;

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
      const { values, window } = bias;
      values.fill(UNSEEN, 0, rows * columns);
      for (let row = 0; row < rows; row++) {
        const first = Math.max(0, length + row - window + 1);
        const start = row * columns;
        if (first < length) values.fill(0, start + first, start + length);
        values.fill(0, start + capacity + Math.max(0, first - length), start + capacity + row + 1);
      }
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
