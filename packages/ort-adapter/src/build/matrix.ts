/** A weight matrix as checkpoints store it: row-major [rows = outputs, columns = inputs], read when it is needed. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  read(): Float32Array;
}

/** Matrices with the same inputs as one: rows below rows. */
export function stackRows(matrices: readonly Matrix[]): Matrix {
  const columns = matrices[0]!.columns;
  const rows = matrices.reduce((sum, matrix) => sum + matrix.rows, 0);
  const read = () => {
    const out = new Float32Array(rows * columns);
    let at = 0;
    for (const matrix of matrices) {
      out.set(matrix.read(), at);
      at += matrix.rows * columns;
    }
    return out;
  };
  return { rows, columns, read };
}

/** Row-major [columns, rows], which MatMul wants as its right-hand side. */
export function transpose(matrix: Matrix): Float32Array {
  const { rows, columns } = matrix;
  const source = matrix.read();
  const out = new Float32Array(source.length);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) out[c * rows + r] = source[r * columns + c]!;
  }
  return out;
}
