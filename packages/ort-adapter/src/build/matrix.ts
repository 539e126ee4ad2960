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

/** Two matrices of equal size as one: row i of `a`, row i of `b`, row i + 1 of `a`, ... */
export function interleaveRows(a: Matrix, b: Matrix): Matrix {
  const { rows, columns } = a;
  const read = () => {
    const out = new Float32Array(2 * rows * columns);
    for (const [half, values] of [a.read(), b.read()].entries()) {
      for (let r = 0; r < rows; r++) {
        out.set(values.subarray(r * columns, (r + 1) * columns), (2 * r + half) * columns);
      }
    }
    return out;
  };
  return { rows: 2 * rows, columns, read };
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
