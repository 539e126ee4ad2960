import type { WireType } from "@bufbuild/protobuf/wire";
import { bitsOf, bytesOf, type DataType, dataTypeOf } from "../data-type.ts";
import { invalidModel } from "../invalid-model.ts";
import type { StoredData, Tensor } from "../model.ts";
import { DataLocation, EntryField, TensorField } from "../proto.ts";
import type { ModelFiles } from "./byte-source.ts";
import type { ReadContext } from "./read-context.ts";
import type { Span, WireReader } from "./wire-reader.ts";

/** Tensors up to this size keep their bytes: shapes, axes, scalars. */
const MAX_INLINE_BYTES = 1024;
/** One more than such a tensor can have: of larger ones the numbers are not kept. */
const MOST_NUMBERS = MAX_INLINE_BYTES + 1;

/** Memory of a tensor beside its name, its sizes and its data. */
const TENSOR_BYTES = 400;

interface TensorFields {
  name: string;
  type: DataType | undefined;
  location: number;
  raw: Span | undefined;
  readonly dims: number[];
  /** Elements given as protobuf numbers (int32_data, int64_data, uint64_data, float_data). */
  numbers: number[] | undefined;
  readonly external: Map<string, string>;
}

/** Reads the TensorProto in the field at hand, without its weights. @throws NearfreeError `invalid-model`, `missing-file`. */
export function readTensor({ reader, files }: ReadContext, wire: WireType): Tensor {
  reader.keep(TENSOR_BYTES);
  const fields = readFields(reader, wire);
  const { name, type, dims } = fields;
  const label = `in tensor ${JSON.stringify(name.slice(0, 80))}`;
  if (type === undefined) throw reader.invalid(`a known element type ${label}`, "another");
  const elements = dims.reduce((product, dim) => product * dim, 1);
  if (dims.some((dim) => dim < 0) || !Number.isSafeInteger(elements * 16)) {
    throw reader.invalid(`sizes from 0 on ${label}`, `[${dims.slice(0, 8).join(", ")}]`);
  }
  const byteLength = bytesOf(type, elements);
  if (fields.location === DataLocation.external) {
    const stored = externalRange(files, fields.external, byteLength, label);
    return { name, type, dims, stored, data: readSmall(reader, files, stored) };
  }
  if (fields.raw !== undefined) {
    const length = fields.raw.end - fields.raw.start;
    if (length !== byteLength) throw reader.invalid(`${byteLength} bytes ${label}`, `${length}`);
    const stored = { offset: fields.raw.start, length };
    return { name, type, dims, stored, data: readSmall(reader, files, stored) };
  }
  return { name, type, dims, data: packNumbers(type, elements, fields.numbers ?? []) };
}

function readFields(reader: WireReader, wire: WireType): TensorFields {
  const fields: TensorFields = {
    name: "",
    type: undefined,
    location: DataLocation.default,
    raw: undefined,
    dims: [],
    numbers: undefined,
    external: new Map(),
  };
  reader.submessage(wire, (field, fieldWire) => {
    if (field === TensorField.dims) reader.integers(fieldWire, fields.dims);
    else if (field === TensorField.dataType) fields.type = dataTypeOf(reader.integer(fieldWire));
    else if (field === TensorField.name) fields.name = reader.string(fieldWire);
    else if (field === TensorField.rawData) fields.raw = reader.span(fieldWire);
    else if (field === TensorField.dataLocation) fields.location = reader.integer(fieldWire);
    else if (field === TensorField.externalData) {
      const [key, value] = readEntry(reader, fieldWire);
      fields.external.set(key, value);
    } else if (field === TensorField.floatData) {
      fields.numbers ??= [];
      reader.floats(fieldWire, fields.numbers, MOST_NUMBERS);
    } else if (field === TensorField.int32Data || field === TensorField.int64Data || field === TensorField.uint64Data) {
      fields.numbers ??= [];
      reader.integers(fieldWire, fields.numbers, MOST_NUMBERS);
    }
  });
  return fields;
}

function readEntry(reader: WireReader, wire: WireType): [key: string, value: string] {
  let key = "";
  let value = "";
  reader.submessage(wire, (field, fieldWire) => {
    if (field === EntryField.key) key = reader.string(fieldWire);
    else if (field === EntryField.value) value = reader.string(fieldWire);
  });
  return [key, value];
}

/** Where external data says that a tensor is, checked against the file where that is in reach. */
function externalRange(
  files: ModelFiles,
  entries: ReadonlyMap<string, string>,
  byteLength: number,
  label: string,
): StoredData {
  const location = entries.get("location") ?? "";
  const offset = Number(entries.get("offset") ?? 0);
  const length = Number(entries.get("length") ?? byteLength);
  const invalid = (expected: string, received: string) => invalidModel(files.model.name, { expected, received });
  if (location === "") throw invalid(`the path of external data ${label}`, "none");
  if (!Number.isSafeInteger(offset) || offset < 0 || length !== byteLength) {
    throw invalid(`${byteLength} bytes of external data ${label}`, `${length} from ${offset}`);
  }
  const data = files.external?.(location);
  if (data !== undefined && data.byteLength < offset + length) {
    throw invalidModel(data.name, {
      expected: `${offset + length} bytes ${label}`,
      received: `${data.byteLength}`,
      remedy: "download the external data again: it is cut short",
    });
  }
  return { location, offset, length };
}

function readSmall(
  reader: WireReader,
  files: ModelFiles,
  { location, offset, length }: StoredData,
): Uint8Array | undefined {
  if (length > MAX_INLINE_BYTES) return undefined;
  reader.keep(length);
  const source = location === undefined ? files.model : files.external?.(location);
  // A copy: a view would keep the window that it came from.
  return source?.read(offset, length).slice();
}

/** The raw bytes of a small tensor given as numbers; undefined for larger ones and for strings. */
function packNumbers(type: DataType, elements: number, numbers: readonly number[]): Uint8Array | undefined {
  const bits = bitsOf(type);
  const width = Math.max(1, bits / 8);
  // Packed sub-byte types come as whole bytes in int32_data.
  const count = bits < 8 ? bytesOf(type, elements) : elements;
  if (bits === 0 || bits > 64 || count * width > MAX_INLINE_BYTES || numbers.length !== count) return undefined;
  const view = new DataView(new ArrayBuffer(count * width));
  for (const [i, value] of numbers.entries()) {
    if (type === "float32") view.setFloat32(i * width, value, true);
    else if (width === 1) view.setUint8(i, value);
    else if (width === 2) view.setUint16(i * width, value, true);
    else if (width === 4) view.setUint32(i * width, value, true);
    else view.setBigInt64(i * width, BigInt(Number.isFinite(value) ? Math.trunc(value) : 0), true);
  }
  return new Uint8Array(view.buffer);
}
