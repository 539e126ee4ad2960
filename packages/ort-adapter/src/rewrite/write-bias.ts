/** Added to the score of a position that a row does not see: nothing is left of it, and a sum with it is still a number. */
const UNSEEN = -1e30;

/** New rows of one sequence, on what its cache holds. */
export interface BiasRows {
  /** Live positions of the cache. */
  readonly length: number;
  readonly count: number;
  /** Index of row i in its text. Default: length + i. */
  readonly positions?: ArrayLike<number> | undefined;
  /** Row-major [count, count]: non-zero where row i sees new row j. Default: j <= i. */
  readonly visible?: ArrayLike<number> | undefined;
}

/** Where the rows lie: [width, capacity + width] values from `offset` on. */
export interface BiasPlace {
  readonly offset: number;
  readonly capacity: number;
  /** Rows of the forward; those beyond `count` are padding, which sees itself alone. */
  readonly width: number;
  /** Positions that a row sees, itself included. */
  readonly window: number;
}

/** Writes 0 where a row sees a position, else very small. */
export function writeBias(
  values: Float32Array,
  { length, count, positions, visible }: BiasRows,
  { offset, capacity, width, window }: BiasPlace,
): void {
  const columns = capacity + width;
  values.fill(UNSEEN, offset, offset + width * columns);
  for (let row = 0; row < width; row++) {
    const start = offset + row * columns;
    const news = start + capacity;
    values[news + row] = 0;
    if (row >= count) continue;
    const first = Math.max(0, (positions?.[row] ?? length + row) - window + 1);
    if (first < length) values.fill(0, start + first, start + length);
    if (visible === undefined) {
      values.fill(0, news + Math.max(0, first - length), news + row + 1);
      continue;
    }
    for (let other = 0; other < count; other++) {
      const seen = visible[row * count + other] && (positions?.[other] ?? length + other) >= first;
      if (seen) values[news + other] = 0;
    }
  }
}
