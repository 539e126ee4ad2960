import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { forwardPieces, type PieceLimits } from "./forward-pieces.ts";

const FREE: PieceLimits = { chunk: 128, rowsAtOnce: Number.POSITIVE_INFINITY, walls: [], contextLimit: 10_000 };
/** Each piece as [first position, positions, rows], with what it is accompanied by. */
const cut = (start: number, count: number, rows: number, limits: Partial<PieceLimits> = {}) =>
  forwardPieces(start, count, rows, { ...FREE, ...limits }).map(
    ({ from, count: taken, rows: wanted, before, behind }) => [
      from,
      taken,
      wanted,
      ...(before + behind > 0 ? [before > 0 ? "before" : "behind"] : []),
    ],
  );

describe("forwardPieces", () => {
  it("runs what fits at once", () => {
    expect(cut(10, 8, 8)).toEqual([[10, 8, 8]]);
    expect(cut(10, 1, 1)).toEqual([[10, 1, 1]]);
    expect(cut(0, 60, 0)).toEqual([[0, 60, 0]]);
  });

  it("reads a long input in chunks, none of one position", () => {
    expect(cut(0, 20, 1, { chunk: 8 })).toEqual([
      [0, 8, 0],
      [8, 8, 0],
      [16, 4, 1],
    ]);
    expect(cut(0, 17, 1, { chunk: 8 })).toEqual([
      [0, 8, 0],
      [8, 7, 0],
      [15, 2, 1],
    ]);
  });

  it("holds positions of one side of a wall only", () => {
    expect(cut(60, 8, 8, { walls: [64] })).toEqual([
      [60, 4, 4],
      [64, 4, 4],
    ]);
    expect(cut(0, 70, 0, { walls: [64] })).toEqual([
      [0, 64, 0],
      [64, 6, 0],
    ]);
    expect(cut(64, 2, 2, { walls: [64] })).toEqual([[64, 2, 2]]);
    expect(cut(62, 2, 2, { walls: [64] })).toEqual([[62, 2, 2]]);
  });

  it("runs a position that a wall leaves alone with another one on its side", () => {
    expect(cut(63, 4, 4, { walls: [64] })).toEqual([
      [63, 1, 1, "before"],
      [64, 3, 3],
    ]);
    expect(cut(60, 5, 5, { walls: [64] })).toEqual([
      [60, 4, 4],
      [64, 1, 1, "behind"],
    ]);
    expect(cut(60, 5, 5, { walls: [64], contextLimit: 65 })[1]).toEqual([64, 1, 1]); // There is no other.
    expect(cut(0, 3, 3, { walls: [1] })[0]).toEqual([0, 1, 1]);
  });

  it("runs no more rows at once than the runner can", () => {
    expect(cut(5, 3, 3, { rowsAtOnce: 1 })).toEqual([
      [5, 1, 1],
      [6, 1, 1],
      [7, 1, 1],
    ]);
    expect(cut(5, 9, 9, { rowsAtOnce: 4 })).toEqual([
      [5, 4, 4],
      [9, 3, 3],
      [12, 2, 2],
    ]);
  });

  it("covers every position once, with the rows asked for, inside every limit", () => {
    const limits = fc.record({
      chunk: fc.integer({ min: 1, max: 20 }),
      rowsAtOnce: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constant(Number.POSITIVE_INFINITY)),
      walls: fc
        .uniqueArray(fc.integer({ min: 1, max: 90 }), { maxLength: 3 })
        .map((walls) => walls.sort((a, b) => a - b)),
    });
    fc.assert(
      fc.property(
        limits,
        fc.nat(60),
        fc.integer({ min: 1, max: 60 }),
        fc.nat(60),
        fc.nat(3),
        (some, start, count, asked, spare) => {
          const rows = Math.min(asked, count);
          const all = { ...some, contextLimit: start + count + spare };
          const pieces = forwardPieces(start, count, rows, all);
          let at = start;
          let given = 0;
          for (const { from, count: taken, rows: wanted, before, behind } of pieces) {
            expect(from).toBe(at);
            expect(taken).toBeGreaterThanOrEqual(1);
            expect(wanted).toBeLessThanOrEqual(taken);
            // Rows are the last ones: once some were given, every later position gives one.
            if (given > 0) expect(wanted).toBe(taken);
            at += taken;
            given += wanted;
            const [first, last] = [from - before, from + taken + behind];
            expect(first).toBeGreaterThanOrEqual(0);
            expect(last).toBeLessThanOrEqual(all.contextLimit);
            expect(all.walls.filter((wall) => wall > first && wall < last)).toEqual([]);
            expect(taken).toBeLessThanOrEqual(all.rowsAtOnce);
            if (wanted === 0) expect(taken).toBeLessThanOrEqual(Math.max(all.chunk, 2));
            const alone = before + taken + behind === 1;
            const hemmed =
              (all.walls.includes(from + 1) || from + 2 > all.contextLimit) && (from === 0 || all.walls.includes(from));
            if (count > 1 && all.rowsAtOnce > 1 && alone) expect(hemmed).toBe(true);
          }
          expect([at, given]).toEqual([start + count, rows]);
        },
      ),
      { numRuns: 3000 },
    );
  });
});
