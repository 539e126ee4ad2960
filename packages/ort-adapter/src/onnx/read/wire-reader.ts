import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { invalidModel } from "../invalid-model.ts";
import type { ByteSource } from "./byte-source.ts";

const WINDOW_BYTES = 16 * 1024;
/** Longest varint and longest tag. */
const VARINT_BYTES = 10;
/** Longest string or number list that is kept. */
const MAX_KEPT_BYTES = 1024 * 1024;
const UTF8 = new TextDecoder();
/** Fields in a whole model: far above any real graph, and read in less than a second. */
const MAX_FIELDS = 4_000_000;
/**
 * What is kept may take this many bytes, and so many times the file besides: a graph of some 20,000 operators, with what is made of
 * it later. A few bytes of a file can ask for hundreds in memory, so that its size alone limits nothing.
 */
const KEPT_BYTES = 40 * 1024 * 1024;
const KEPT_TIMES_FILE = 1.5;
/** Memory of a string or list beside its content, and of a number in a list. */
const STRING_BYTES = 40;
const NUMBER_BYTES = 16;

/** A length-delimited field: the range of a message, string or byte array in the source. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Called for each field of a message; reads it or leaves it, in which case it is skipped. */
export type FieldVisitor = (field: number, wire: WireType) => void;

/**
 * A protobuf reader over a source of any size: it holds a window of a few KiB and jumps over what nobody wants.
 * Every length is checked against the message around it before anything is allocated.
 */
export class WireReader {
  readonly source: ByteSource;
  #window = new BinaryReader(new Uint8Array(0));
  #windowStart = 0;
  #position = 0;
  #end: number;
  #fields = 0;
  #keepable: number;

  constructor(source: ByteSource) {
    this.source = source;
    this.#end = source.byteLength;
    this.#keepable = KEPT_BYTES + KEPT_TIMES_FILE * source.byteLength;
  }

  /** To be called before `bytes` of memory are kept for what was read. @throws NearfreeError `invalid-model` once it is too much. */
  keep(bytes: number): void {
    this.#keepable -= bytes;
    if (this.#keepable < 0) throw this.invalid("a graph that fits in memory", "one far larger than its file");
  }

  /** Visits the fields of the message in `span`; unknown ones are skipped. Nests. */
  message(span: Span, visit: FieldVisitor): void {
    const outer = this.#end;
    this.#position = span.start;
    this.#end = span.end;
    while (this.#position < span.end) {
      const [field, wire] = this.#read(VARINT_BYTES, (window) => window.tag());
      if (++this.#fields > MAX_FIELDS) throw this.invalid(`at most ${MAX_FIELDS} fields`, "more");
      const before = this.#position;
      visit(field, wire);
      if (this.#position === before) this.#skip(wire);
    }
    this.#end = outer;
    this.#position = span.end;
  }

  /** The range of a length-delimited field, already stepped over. */
  span(wire: WireType): Span {
    if (wire !== WireType.LengthDelimited) throw this.invalid("a length-delimited field", `wire type ${wire}`);
    const length = this.#read(VARINT_BYTES, (window) => window.uint32());
    const start = this.#position;
    if (length > this.#end - start) {
      throw this.invalid(`at most ${this.#end - start} more bytes`, `a field of ${length} bytes`);
    }
    this.#position = start + length;
    return { start, end: this.#position };
  }

  /** Visits the message in the field at hand. */
  submessage(wire: WireType, visit: FieldVisitor): void {
    this.message(this.span(wire), visit);
  }

  /** An integer. 64-bit values beyond 2^53 lose their last bits. */
  integer(wire: WireType): number {
    if (wire !== WireType.Varint) throw this.invalid("an integer field", `wire type ${wire}`);
    return Number(this.#read(VARINT_BYTES, (window) => window.int64()));
  }

  float(wire: WireType): number {
    if (wire !== WireType.Bit32) throw this.invalid("a float field", `wire type ${wire}`);
    return this.#read(4, (window) => window.float());
  }

  /** @throws NearfreeError `invalid-model` for a string of more than 1 MiB. */
  string(wire: WireType): string {
    const text = this.shortString(wire);
    if (text === undefined) throw this.invalid(`a string of at most ${MAX_KEPT_BYTES} bytes`, "a longer one");
    return text;
  }

  /** A string, or undefined for one of more than 1 MiB. */
  shortString(wire: WireType): string | undefined {
    const bytes = this.bytes(this.span(wire));
    if (bytes === undefined) return undefined;
    this.keep(STRING_BYTES + bytes.byteLength);
    return UTF8.decode(bytes);
  }

  /** The bytes of `span`, or undefined where there are more than `limit`. Does not move the reader. */
  bytes(span: Span, limit: number = MAX_KEPT_BYTES): Uint8Array | undefined {
    const length = span.end - span.start;
    if (length > limit) return undefined;
    const bytes = this.source.read(span.start, length);
    if (bytes.byteLength < length) throw this.invalid(`${length} bytes at ${span.start}`, `${bytes.byteLength}`);
    return bytes;
  }

  /** Appends the integers of a repeated field, packed or not, up to `most` in `out`. False where a packed list is too long to keep. */
  integers(wire: WireType, out: number[], most?: number): boolean {
    if (wire !== WireType.Varint) return this.#packed(wire, out, (reader) => Number(reader.int64()), most);
    this.#append(out, this.integer(wire), most);
    return true;
  }

  /** Appends the floats of a repeated field, packed or not, up to `most` in `out`. False where a packed list is too long to keep. */
  floats(wire: WireType, out: number[], most?: number): boolean {
    if (wire !== WireType.Bit32) return this.#packed(wire, out, (reader) => reader.float(), most);
    this.#append(out, this.float(wire), most);
    return true;
  }

  invalid(expected: string, received: string, cause?: unknown): Error {
    return invalidModel(this.source.name, {
      expected: `an ONNX model with ${expected} at byte ${this.#position}`,
      received,
      cause,
    });
  }

  #packed(wire: WireType, out: number[], read: (reader: BinaryReader) => number, most?: number): boolean {
    const bytes = this.bytes(this.span(wire));
    if (bytes === undefined) return false;
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      let value: number;
      try {
        value = read(reader);
      } catch (cause) {
        throw this.invalid("a list of numbers", "bytes that are none", cause);
      }
      this.#append(out, value, most);
    }
    return true;
  }

  #append(out: number[], value: number, most = Number.POSITIVE_INFINITY): void {
    if (out.length >= most) return;
    this.keep(NUMBER_BYTES);
    out.push(value);
  }

  #skip(wire: WireType): void {
    switch (wire) {
      case WireType.Varint:
        this.integer(wire);
        break;
      case WireType.Bit32:
        this.#advance(4);
        break;
      case WireType.Bit64:
        this.#advance(8);
        break;
      case WireType.LengthDelimited:
        this.span(wire);
        break;
      default:
        // ONNX has no groups: this is some other file.
        throw this.invalid("a field", `wire type ${wire}`);
    }
  }

  #advance(bytes: number): void {
    if (bytes > this.#end - this.#position) throw this.invalid(`${bytes} more bytes`, "its end");
    this.#position += bytes;
  }

  /** Reads one value of at most `bytes` bytes with `read`, moving the window first where it ends too early. */
  #read<T>(bytes: number, read: (window: BinaryReader) => T): T {
    const offset = this.#position - this.#windowStart;
    const wanted = Math.min(bytes, this.#end - this.#position);
    if (offset < 0 || offset + wanted > this.#window.len) {
      this.#window = new BinaryReader(this.source.read(this.#position, WINDOW_BYTES));
      this.#windowStart = this.#position;
    }
    this.#window.pos = this.#position - this.#windowStart;
    let value: T;
    try {
      value = read(this.#window);
    } catch (cause) {
      throw this.invalid("a protobuf value", "bytes that are none", cause);
    }
    this.#position = this.#windowStart + this.#window.pos;
    if (this.#position > this.#end) throw this.invalid("a value", "the end of the message around it");
    return value;
  }
}
