import type { Cell } from "@nearfree/core";

/** Cells of a context x batch grid by rank: `at` counts the contexts and batches before it, each sorted. */
interface Place {
  readonly cell: Cell;
  readonly at: readonly [number, number];
  /** 0: a corner, 1: on an edge, 2: inside. */
  readonly kind: number;
}

/**
 * Every cell of the grid in the order of measuring: corners, edges, interior; among those of a kind always the one farthest from
 * what comes before it, so that it settles most. The cheapest corner comes first.
 */
export function gridOrder(contexts: readonly number[], batches: readonly number[]): Cell[] {
  let left = placesOf(contexts, batches);
  const order: Place[] = left.slice(0, 1);
  left = left.slice(1);
  while (left.length > 0) {
    const kind = Math.min(...left.map((place) => place.kind));
    const room = (place: Place) => Math.min(...order.map((other) => steps(place, other)));
    const next = left.filter((place) => place.kind === kind).reduce((a, b) => (room(b) > room(a) ? b : a));
    order.push(next);
    left = left.filter((place) => place !== next);
  }
  return order.map(({ cell }) => cell);
}

/**
 * Of what was measured, that which tells most about `cell`: the nearest on either side with its context, and with its batch; where
 * there is none, the nearest of all.
 */
export function neighboursOf<T>(cell: Cell, measured: readonly T[], cellOf: (each: T) => Cell): T[] {
  const nearest = (axis: "contextLength" | "batch", other: "contextLength" | "batch") => {
    const line = measured
      .filter((each) => cellOf(each)[other] === cell[other])
      .sort((a, b) => cellOf(a)[axis] - cellOf(b)[axis]);
    const below = line.findLast((each) => cellOf(each)[axis] < cell[axis]);
    const above = line.find((each) => cellOf(each)[axis] > cell[axis]);
    return [below, above].filter((each) => each !== undefined);
  };
  const inLine = [...nearest("contextLength", "batch"), ...nearest("batch", "contextLength")];
  if (inLine.length > 0) return inLine;
  const octaves = ({ contextLength, batch }: Cell) =>
    Math.abs(Math.log2((contextLength + 1) / (cell.contextLength + 1))) + Math.abs(Math.log2(batch / cell.batch));
  return [...measured].sort((a, b) => octaves(cellOf(a)) - octaves(cellOf(b))).slice(0, 1);
}

function placesOf(contexts: readonly number[], batches: readonly number[]): Place[] {
  const [rows, columns] = [ascending(contexts), ascending(batches)];
  const isEnd = (i: number, values: readonly number[]) => i === 0 || i === values.length - 1;
  return rows.flatMap((contextLength, i) =>
    columns.map((batch, j): Place => {
      const kind = Number(!isEnd(i, rows)) + Number(!isEnd(j, columns));
      return { cell: { contextLength, batch }, at: [i, j], kind };
    }),
  );
}

function ascending(values: readonly number[]): number[] {
  return [...new Set(values)].sort((a, b) => a - b);
}

function steps(a: Place, b: Place): number {
  return Math.abs(a.at[0] - b.at[0]) + Math.abs(a.at[1] - b.at[1]);
}
