/**
 * Element types of ONNX tensors by the names that ONNX Runtime uses, with their number in TensorProto.DataType and their
 * width. `string` has no fixed width.
 */
const TYPES = {
  float32: { code: 1, bits: 32 },
  uint8: { code: 2, bits: 8 },
  int8: { code: 3, bits: 8 },
  uint16: { code: 4, bits: 16 },
  int16: { code: 5, bits: 16 },
  int32: { code: 6, bits: 32 },
  int64: { code: 7, bits: 64 },
  string: { code: 8, bits: 0 },
  bool: { code: 9, bits: 8 },
  float16: { code: 10, bits: 16 },
  float64: { code: 11, bits: 64 },
  uint32: { code: 12, bits: 32 },
  uint64: { code: 13, bits: 64 },
  complex64: { code: 14, bits: 64 },
  complex128: { code: 15, bits: 128 },
  bfloat16: { code: 16, bits: 16 },
  float8e4m3fn: { code: 17, bits: 8 },
  float8e4m3fnuz: { code: 18, bits: 8 },
  float8e5m2: { code: 19, bits: 8 },
  float8e5m2fnuz: { code: 20, bits: 8 },
  uint4: { code: 21, bits: 4 },
  int4: { code: 22, bits: 4 },
  float4e2m1: { code: 23, bits: 4 },
  float8e8m0: { code: 24, bits: 8 },
  uint2: { code: 25, bits: 2 },
  int2: { code: 26, bits: 2 },
} as const;

export type DataType = keyof typeof TYPES;

const BY_CODE = new Map<number, DataType>(
  Object.entries(TYPES).map(([name, { code }]) => [code, name as DataType] as const),
);

/** TensorProto.DataType of `type`. */
export function dataTypeCode(type: DataType): number {
  return TYPES[type].code;
}

/** The type with this TensorProto.DataType, or undefined for one this table does not know. */
export function dataTypeOf(code: number): DataType | undefined {
  return BY_CODE.get(code);
}

/** Bits of one element; 0 for strings. */
export function bitsOf(type: DataType): number {
  return TYPES[type].bits;
}

/** Bytes of `elements` packed elements, as in raw_data and external data. */
export function bytesOf(type: DataType, elements: number): number {
  return Math.ceil((elements * TYPES[type].bits) / 8);
}
