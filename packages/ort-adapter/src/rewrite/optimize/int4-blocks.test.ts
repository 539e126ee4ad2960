import fc from "fast-check";
import { expect, it } from "vitest";
import { dequantiseInt4, quantiseInt4 } from "../../build/int4.ts";
import { int4Blocks, type WeightMatrix } from "./int4-blocks.ts";

const valueAt = (row: number, column: number) => Math.sin(row * 1.7 + column * 0.31) + 0.2 * Math.cos(row * column);

/** A matrix in the order in which `inputsFirst` has it stored, and the largest piece that was read of it. */
function matrixOf(rows: number, columns: number, inputsFirst: boolean) {
  const stored = Float32Array.from({ length: rows * columns }, (_, i) =>
    inputsFirst ? valueAt(i % rows, Math.floor(i / rows)) : valueAt(Math.floor(i / columns), i % columns),
  );
  const pieces: number[] = [];
  const matrix: WeightMatrix = {
    rows,
    columns,
    inputsFirst,
    read(first, count) {
      pieces.push(count);
      return stored.subarray(first, first + count);
    },
  };
  return { matrix, pieces };
}

it("has the blocks of each output's inputs one after another, whichever way they are stored", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 100 }),
      fc.constantFrom(16, 32, 64),
      (rows, columns, size) => {
        const blocks = Math.ceil(columns / size);
        // Rows filled up with zeros, as one array after another.
        const padded = new Float32Array(rows * blocks * size);
        for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) padded[r * blocks * size + c] = valueAt(r, c);
        const expected = quantiseInt4(padded, size);
        for (const inputsFirst of [true, false]) {
          expect(int4Blocks(matrixOf(rows, columns, inputsFirst).matrix, size)).toEqual(expected);
        }
      },
    ),
  );
});

it("is near the weights", () => {
  const { matrix } = matrixOf(5, 64, true);
  const found = dequantiseInt4(int4Blocks(matrix, 32));
  for (let r = 0; r < 5; r++)
    for (let c = 0; c < 64; c++) expect(Math.abs(found[r * 64 + c]! - valueAt(r, c))).toBeLessThan(0.12);
});

it("reads a block of every output at a time", () => {
  const { matrix, pieces } = matrixOf(40, 100, true);
  int4Blocks(matrix, 32);
  expect(pieces).toEqual([1280, 1280, 1280, 160]);
});
