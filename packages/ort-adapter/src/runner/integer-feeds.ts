import type { Tensor, TensorConstructor } from "onnxruntime-common";
import type { DecoderIo, IntegerInput, IntegerType, MaskType } from "./decoder-io.ts";

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

/** An input of n values (rank 1: [n], 2: [1, n], 3: [3, 1, n]) whose n changes from run to run: one tensor for each n, all on one buffer. */
export class RowFeed {
  readonly name: string;
  readonly #Tensor: TensorConstructor;
  readonly #type: IntegerType;
  readonly #lead: readonly number[];
  readonly #copies: number;
  #buffer: IntegerBuffer;
  #tensors: (Tensor | undefined)[] = [];

  constructor(TensorClass: TensorConstructor, { name, type }: IntegerInput, rank: 1 | 2 | 3 = 2) {
    this.name = name;
    this.#Tensor = TensorClass;
    this.#type = type;
    this.#lead = rank === 1 ? [] : rank === 2 ? [1] : [3, 1];
    this.#copies = rank === 3 ? 3 : 1;
    this.#buffer = new IntegerBuffer(type, 64 * this.#copies);
  }

  /** The tensor of `count` values `source[from .. from + count)`. */
  copy(source: ArrayLike<number>, from: number, count: number): Tensor {
    const tensor = this.#tensor(count);
    const { words, wordsPerValue } = this.#buffer;
    for (let i = 0, at = 0; i < count; i++, at += wordsPerValue) words[at] = source[from + i]!;
    this.#repeat(count);
    return tensor;
  }

  /** The tensor of `count` values start, start + 1, ... */
  count(start: number, count: number): Tensor {
    const tensor = this.#tensor(count);
    const { words, wordsPerValue } = this.#buffer;
    for (let i = 0, at = 0; i < count; i++, at += wordsPerValue) words[at] = start + i;
    this.#repeat(count);
    return tensor;
  }

  #repeat(count: number): void {
    const { words, wordsPerValue } = this.#buffer;
    const size = count * wordsPerValue;
    for (let copy = 1; copy < this.#copies; copy++) words.copyWithin(copy * size, 0, size);
  }

  #tensor(count: number): Tensor {
    const size = count * this.#copies;
    if (size > this.#buffer.size) {
      this.#buffer = new IntegerBuffer(this.#type, Math.max(size, 2 * this.#buffer.size));
      this.#tensors = [];
    }
    let tensor = this.#tensors[count];
    if (tensor === undefined) {
      tensor = new this.#Tensor(this.#type, this.#buffer.view(size), [...this.#lead, count]);
      this.#tensors[count] = tensor;
    }
    return tensor;
  }
}

/** The attention mask [1, total] of a sequence without padding: all ones, in the type that the model asks for. */
export class MaskFeed {
  readonly name: string;
  readonly #Tensor: TensorConstructor;
  readonly #type: MaskType;
  #ones: MaskArray;
  #last: Tensor | undefined;

  constructor(TensorClass: TensorConstructor, { name, type }: NonNullable<DecoderIo["attentionMask"]>) {
    this.name = name;
    this.#Tensor = TensorClass;
    this.#type = type;
    this.#ones = onesOf(type, 256);
  }

  ones(total: number): Tensor {
    if (this.#last?.dims[1] === total) return this.#last;
    if (total > this.#ones.length) this.#ones = onesOf(this.#type, Math.max(total, 2 * this.#ones.length));
    this.#last = maskTensor(this.#Tensor, this.#type, this.#ones.subarray(0, total), 1);
    return this.#last;
  }
}

type MaskArray = BigInt64Array | Int32Array | Float32Array | Uint8Array;

/** Ones in the type of a mask. */
export function onesOf(type: MaskType, size: number): MaskArray {
  if (type === "int64") return new BigInt64Array(size).fill(1n);
  if (type === "int32") return new Int32Array(size).fill(1);
  return type === "bool" ? new Uint8Array(size).fill(1) : new Float32Array(size).fill(1);
}

/** The mask [batch, total] of `ones`. */
export function maskTensor(TensorClass: TensorConstructor, type: MaskType, ones: MaskArray, batch: number): Tensor {
  return new TensorClass(type as "int64", ones as BigInt64Array, [batch, ones.length / batch]);
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
