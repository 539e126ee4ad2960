import { type Int4Blocks, quantiseBlock } from "../../build/int4.ts";

/** A weight matrix of some product, in a file or in memory. */
export interface WeightMatrix {
  /** Outputs, N of MatMulNBits. */
  readonly rows: number;
  /** Inputs, K. */
  readonly columns: number;
  /** Stored [columns, rows], as MatMul takes it; else [rows, columns], behind a Transpose. */
  readonly inputsFirst: boolean;
  /** Elements [first, first + count) as they are stored. */
  read(first: number, count: number): Float32Array;
}

/** Bytes of weights in memory at a time, where a block of every row does not want more. */
const PIECE_BYTES = 2 ** 24;

/**
 * Four-bit blocks along the inputs of each output, in the layout of MatMulNBits: [rows, blocks, blockSize / 2] and [rows, blocks]. The
 * last block is filled up with zeros. Read in pieces; the result has a sixth of the matrix's bytes.
 */
export function int4Blocks(matrix: WeightMatrix, blockSize: number): Int4Blocks {
  const { rows, columns, inputsFirst } = matrix;
  const blocks = Math.ceil(columns / blockSize);
  const packed = new Uint8Array((rows * blocks * blockSize) / 2);
  const scales = new Float32Array(rows * blocks);
  const values = new Float32Array(blockSize);
  const write = (row: number, block: number) => {
    const at = row * blocks + block;
    scales[at] = quantiseBlock(values, packed, (at * blockSize) / 2);
  };
  if (inputsFirst) {
    for (let block = 0; block < blocks; block++) {
      const first = block * blockSize;
      const count = Math.min(blockSize, columns - first);
      const piece = matrix.read(first * rows, count * rows);
      values.fill(0, count);
      for (let row = 0; row < rows; row++) {
        for (let i = 0; i < count; i++) values[i] = piece[i * rows + row]!;
        write(row, block);
      }
    }
    return { packed, scales };
  }
  const rowsAtOnce = Math.max(1, Math.floor(PIECE_BYTES / 4 / columns));
  for (let from = 0; from < rows; from += rowsAtOnce) {
    const to = Math.min(rows, from + rowsAtOnce);
    const piece = matrix.read(from * columns, (to - from) * columns);
    for (let row = from; row < to; row++) {
      for (let block = 0; block < blocks; block++) {
        const first = block * blockSize;
        const count = Math.min(blockSize, columns - first);
        const start = (row - from) * columns + first;
        values.set(piece.subarray(start, start + count));
        values.fill(0, count);
        write(row, block);
      }
    }
  }
  return { packed, scales };
}
