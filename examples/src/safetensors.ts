import { NearfreeError } from "@nearfree/core";
import { getFloat16 } from "@petamoriken/float16";

/** Longest header that is believed; Hugging Face's own reader draws the same line. */
const MAX_HEADER_BYTES = 100_000_000;
const LENGTH_BYTES = 8;

const ELEMENT_BYTES = { F32: 4, F16: 2, BF16: 2 } as const;
type Dtype = keyof typeof ELEMENT_BYTES;

interface Entry {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Range of the tensor in the data section. */
  readonly begin: number;
  readonly end: number;
}

/** Tensors of a safetensors file: an 8-byte little-endian header length, a JSON header, the data. */
export class Safetensors {
  readonly #name: string;
  readonly #data: Uint8Array;
  readonly #entries: ReadonlyMap<string, Entry>;

  /**
   * @param name the file, for error messages
   * @throws NearfreeError `invalid-model` where the header is no header, or describes tensors that are not there
   */
  constructor(name: string, bytes: Uint8Array) {
    this.#name = name;
    const { headerBytes, header } = readHeader(name, bytes);
    this.#data = bytes.subarray(LENGTH_BYTES + headerBytes);
    const entries = Object.entries(header).filter(([key]) => key !== "__metadata__");
    this.#entries = new Map(entries.map(([key, value]) => [key, this.#parseEntry(key, value)]));
  }

  get names(): string[] {
    return [...this.#entries.keys()];
  }

  /**
   * A tensor as fp32, decoded on each call, row-major.
   * @throws NearfreeError `invalid-model` where it is missing or its shape is not the one expected
   */
  read(tensor: string, shape: readonly number[]): Float32Array {
    const entry = this.#entries.get(tensor);
    const found = entry ? `[${entry.shape.join(", ")}]` : "none";
    const expected = `[${shape.join(", ")}]`;
    if (entry === undefined || found !== expected) throw this.#error(`tensor ${tensor}`, `shape ${expected}`, found);
    return decode(this.#data.subarray(entry.begin, entry.end), entry.dtype);
  }

  #parseEntry(key: string, value: unknown): Entry {
    const what = `tensor ${key}`;
    if (typeof value !== "object" || value === null) throw this.#error(what, "an object", typeof value);
    const { dtype, shape, data_offsets: offsets } = value as Record<string, unknown>;
    if (!isDtype(dtype)) throw this.#error(what, `dtype ${Object.keys(ELEMENT_BYTES).join(" or ")}`, String(dtype));
    if (!isSizes(shape)) throw this.#error(what, "a shape of non-negative integers", JSON.stringify(shape));
    if (!isSizes(offsets) || offsets.length !== 2) {
      throw this.#error(what, "two data offsets", JSON.stringify(offsets));
    }
    const [begin, end] = offsets as [number, number];
    const bytes = shape.reduce((product, size) => product * size, ELEMENT_BYTES[dtype]);
    if (end - begin !== bytes) throw this.#error(what, `${bytes} bytes`, `offsets ${begin} to ${end}`);
    if (end > this.#data.byteLength) {
      throw this.#error(what, `data up to byte ${end}`, `${this.#data.byteLength} bytes: the file is truncated`);
    }
    return { dtype, shape, begin, end };
  }

  #error(what: string, expected: string, received: string): NearfreeError {
    return invalid(`${this.#name} ${what}`, expected, received);
  }
}

function readHeader(name: string, bytes: Uint8Array): { headerBytes: number; header: object } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = bytes.byteLength < LENGTH_BYTES ? undefined : Number(view.getBigUint64(0, true));
  if (length === undefined || length > Math.min(MAX_HEADER_BYTES, bytes.byteLength - LENGTH_BYTES)) {
    throw invalid(name, "a header length that fits the file", length === undefined ? "a file too short" : `${length}`);
  }
  const text = new TextDecoder().decode(bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + length));
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch (cause) {
    throw invalid(name, "a JSON header", JSON.stringify(text.slice(0, 20)), cause);
  }
  if (typeof header !== "object" || header === null || Array.isArray(header)) {
    throw invalid(name, "a JSON object as header", JSON.stringify(header).slice(0, 20));
  }
  return { headerBytes: length, header };
}

/** Value of every fp16 bit pattern, made on first use: one call of the library per weight takes seconds. */
let halfValues: Float32Array | undefined;

function tabulateHalves(): Float32Array {
  const view = new DataView(new ArrayBuffer(2));
  return Float32Array.from({ length: 65_536 }, (_, bits) => {
    view.setUint16(0, bits);
    return getFloat16(view, 0);
  });
}

/** Little-endian bytes, aligned or not, to fp32. */
function decode(bytes: Uint8Array, dtype: Dtype): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out = new Float32Array(bytes.byteLength / ELEMENT_BYTES[dtype]);
  switch (dtype) {
    case "F32":
      for (let i = 0; i < out.length; i++) out[i] = view.getFloat32(4 * i, true);
      break;
    case "F16":
      halfValues ??= tabulateHalves();
      for (let i = 0; i < out.length; i++) out[i] = halfValues[view.getUint16(2 * i, true)]!;
      break;
    case "BF16": {
      // bfloat16 is the upper half of fp32.
      const bits = new Uint32Array(out.buffer);
      for (let i = 0; i < bits.length; i++) bits[i] = view.getUint16(2 * i, true) << 16;
      break;
    }
  }
  return out;
}

function isDtype(value: unknown): value is Dtype {
  return typeof value === "string" && Object.hasOwn(ELEMENT_BYTES, value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function invalid(what: string, expected: string, received: string, cause?: unknown): NearfreeError {
  const remedy = "download or export the file again";
  return new NearfreeError({ code: "invalid-model", from: "examples", what, expected, received, remedy, cause });
}
