import type { Matrix } from "./matrix.ts";

/**
 * Largest magnitude of a quantised weight: 7 bits, since x64 kernels without VNNI add two products of a byte and a weight
 * in 16 bits (the quantizer of ONNX Runtime calls it `reduce_range`).
 */
const INT8_LIMIT = 64;

/** Weights for MatMulInteger: value = int8 * scale of its column. */
export interface Int8Columns {
  /** Row-major [inputs, outputs]. */
  readonly values: Int8Array;
  /** One per output. */
  readonly scales: Float32Array;
}

/** Quantises each output's weights by their largest magnitude. */
export function quantiseInt8(matrix: Matrix): Int8Columns {
  const { rows, columns } = matrix;
  const source = matrix.read();
  const values = new Int8Array(source.length);
  const scales = new Float32Array(rows);
  for (let r = 0; r < rows; r++) {
    const row = source.subarray(r * columns, (r + 1) * columns);
    const largest = row.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const scale = largest / INT8_LIMIT;
    scales[r] = scale;
    if (scale === 0) continue;
    for (let c = 0; c < columns; c++) values[c * rows + r] = Math.round(row[c]! / scale);
  }
  return { values, scales };
}
