import type { Tensor, TensorConstructor } from "onnxruntime-common";
import type { IntegerInput, IntegerType } from "./decoder-io.ts";

/**
 * Integers in the element type that a model asks for, written as int32: turning numbers into BigInts costs more than the rest of a
 * feed. Values are below 2^31 and not negative, so the high word of an int64 is 0 and stays 0; every platform with an ONNX Runtime
 * build is little-endian.
 */
class IntegerBuffer {
  readonly words: Int32Array;
  readonly wordsPerValue: number;
  readonly #data: Int32Array | BigInt64Array;

  constructor(type: IntegerType, size: number) {
    const data = type === "int64" ? new BigInt64Array(size) : new Int32Array(size);
    this.#data = data;
    this.words = new Int32Array(data.buffer);
    this.wordsPerValue = type === "int64" ? 2 : 1;
  }

  get size(): number {
    return this.#data.length;
  }

  view(length: number): Int32Array | BigInt64Array {
    return this.#data.subarray(0, length);
  }
}

/** An input [1, n] whose n changes from run to run: one tensor for each n, all on one buffer. */
export class RowFeed {
  readonly name: string;
  readonly #Tensor: TensorConstructor;
  readonly #type: IntegerType;
  #buffer: IntegerBuffer;
  #tensors: (Tensor | undefined)[] = [];

  constructor(TensorClass: TensorConstructor, { name, type }: IntegerInput) {
    this.name = name;
    this.#Tensor = TensorClass;
    this.#type = type;
    this.#buffer = new IntegerBuffer(type, 64);
  }

  /** The tensor [1, count] with values `source[from .. from + count)`. */
  copy(source: ArrayLike<number>, from: number, count: number): Tensor {
    const tensor = this.#tensor(count);
    const { words, wordsPerValue } = this.#buffer;
    for (let i = 0, at = 0; i < count; i++, at += wordsPerValue) words[at] = source[from + i]!;
    return tensor;
  }

  /** The tensor [1, count] with values start, start + 1, ... */
  count(start: number, count: number): Tensor {
    const tensor = this.#tensor(count);
    const { words, wordsPerValue } = this.#buffer;
    for (let i = 0, at = 0; i < count; i++, at += wordsPerValue) words[at] = start + i;
    return tensor;
  }

  #tensor(count: number): Tensor {
    if (count > this.#buffer.size) {
      this.#buffer = new IntegerBuffer(this.#type, Math.max(count, 2 * this.#buffer.size));
      this.#tensors = [];
    }
    let tensor = this.#tensors[count];
    if (tensor === undefined) {
      tensor = new this.#Tensor(this.#type, this.#buffer.view(count), [1, count]);
      this.#tensors[count] = tensor;
    }
    return tensor;
  }
}

/** The attention mask [1, total] of a sequence without padding: all ones. */
export class MaskFeed {
  readonly name: string;
  readonly #Tensor: TensorConstructor;
  readonly #type: IntegerType;
  #ones: IntegerBuffer;
  #last: Tensor | undefined;

  constructor(TensorClass: TensorConstructor, { name, type }: IntegerInput) {
    this.name = name;
    this.#Tensor = TensorClass;
    this.#type = type;
    this.#ones = onesOf(type, 256);
  }

  ones(total: number): Tensor {
    if (this.#last?.dims[1] === total) return this.#last;
    if (total > this.#ones.size) this.#ones = onesOf(this.#type, Math.max(total, 2 * this.#ones.size));
    this.#last = new this.#Tensor(this.#type, this.#ones.view(total), [1, total]);
    return this.#last;
  }
}

function onesOf(type: IntegerType, size: number): IntegerBuffer {
  const buffer = new IntegerBuffer(type, size);
  for (let at = 0; at < buffer.words.length; at += buffer.wordsPerValue) buffer.words[at] = 1;
  return buffer;
}

/** A single integer: rank 0 or [1], as the model declares it. */
export function integerTensor(
  TensorClass: TensorConstructor,
  { type, scalar }: { readonly type: IntegerType; readonly scalar: boolean },
  value: number,
): Tensor {
  const buffer = new IntegerBuffer(type, 1);
  buffer.words[0] = value;
  return new TensorClass(type, buffer.view(1), scalar ? [] : [1]);
}
