import type { BatchPart } from "@nearfree/core";
import type { Tensor, TensorConstructor } from "onnxruntime-common";
import { biasName } from "../../rewrite/lean-inputs.ts";
import { writeBias } from "../../rewrite/write-bias.ts";
import type { Feeds } from "../cache/kv-cache.ts";
import type { DecoderIo, IntegerInput } from "../decoder-io.ts";
import { integerTensor } from "../integer-feeds.ts";

/** A part at its place in the batch; undefined: a sequence between others that this forward adds nothing to. */
export type PlacedPart = BatchPart | undefined;

/** Shape of a forward of several sequences. */
export interface BatchShape {
  /** Rows of every sequence: those of the longest part. */
  readonly width: number;
  readonly capacity: number;
  /** Live positions of each sequence. */
  readonly lengths: readonly number[];
}

/** The feeds of a forward beside its caches: tokens, positions [batch, width] and biases [batch, 1, width, capacity + width]. */
export class BatchFeeds {
  readonly #io: DecoderIo;
  readonly #Tensor: TensorConstructor;
  readonly #biases: { readonly name: string; readonly window: number; values: Float32Array }[];

  constructor(io: DecoderIo, TensorClass: TensorConstructor) {
    this.#io = io;
    this.#Tensor = TensorClass;
    this.#biases = (io.lean?.windows ?? []).map((window) => ({
      name: biasName(window),
      window: window ?? Number.POSITIVE_INFINITY,
      values: new Float32Array(0),
    }));
  }

  fill(feeds: Feeds, parts: readonly PlacedPart[], { width, capacity, lengths }: BatchShape): void {
    const { tokens, positionIds, logitsToKeep } = this.#io;
    const each = (input: IntegerInput, value: (part: BatchPart, place: number, row: number) => number) =>
      this.#integers(input, [parts.length, width], (at) => {
        const place = Math.floor(at / width);
        const part = parts[place];
        const row = at % width;
        // Padding repeats what is in range.
        return part === undefined || row >= part.tokens.length ? 0 : value(part, place, row);
      });
    feeds[tokens.name] = each(tokens, (part, _, row) => part.tokens[row]!);
    if (positionIds) {
      feeds[positionIds.name] = each(positionIds, ({ layout }, place, row) => {
        return layout?.positions[row] ?? lengths[place]! + row;
      });
    }
    // Rows that need logits are not the last ones of a padded sequence.
    if (logitsToKeep) feeds[logitsToKeep.name] = integerTensor(this.#Tensor, logitsToKeep, width);
    const columns = capacity + width;
    const size = parts.length * width * columns;
    for (const bias of this.#biases) {
      if (bias.values.length < size) bias.values = new Float32Array(size);
      for (const [place, part] of parts.entries()) {
        const rows = { length: lengths[place]!, count: part?.tokens.length ?? 0, ...part?.layout };
        writeBias(bias.values, rows, { offset: place * width * columns, capacity, width, window: bias.window });
      }
      const shape = [parts.length, 1, width, columns];
      feeds[bias.name] = new this.#Tensor("float32", bias.values.subarray(0, size), shape);
    }
  }

  #integers({ type }: IntegerInput, shape: readonly number[], value: (at: number) => number): Tensor {
    const values = Array.from({ length: shape[0]! * shape[1]! }, (_, at) => value(at));
    const data = type === "int64" ? BigInt64Array.from(values, BigInt) : Int32Array.from(values);
    return new this.#Tensor(type, data, shape);
  }
}
