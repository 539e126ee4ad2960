/** What a forward may not do at once. */
export interface PieceLimits {
  /** Most positions of a piece whose logits nobody needs. */
  readonly chunk: number;
  /** Most positions of any piece; 1: one at a time. */
  readonly rowsAtOnce: number;
  /** Ascending: no piece holds positions on both sides of one. */
  readonly walls: readonly number[];
  /** No piece, padding included, reaches beyond it. */
  readonly contextLimit: number;
}

/** A run of positions [from, from + count) of the sequence, as one forward of the model. */
export interface Piece {
  readonly from: number;
  readonly count: number;
  /** Rows of logits that are needed, of its last positions. */
  readonly rows: number;
  /** Positions before `from` that are run again, and behind the last one that are run and taken back: a lone position is never run as one row. */
  readonly before: number;
  readonly behind: number;
}

/**
 * The pieces in which positions [start, start + count) are run, `rows` of the last ones with logits. One position of many would run on
 * the kernels of n = 1, whose bits differ from those of every n >= 2: no chunk is one, none leaves one, and one that a wall leaves is padded
 * or run with the position before it, where the walls leave room for either.
 */
export function forwardPieces(start: number, count: number, rows: number, limits: PieceLimits): Piece[] {
  const end = start + count;
  const pieces: Piece[] = [];
  const inside = limits.walls.filter((wall) => wall > start && wall < end);
  for (const [i, from] of [start, ...inside].entries()) {
    const to = inside[i] ?? end;
    const wanted = Math.max(0, Math.min(to - from, to - (end - rows)));
    cutSegment(pieces, from, to, wanted, limits);
  }
  if (count === 1 || limits.rowsAtOnce === 1) return pieces;
  return pieces.map((piece) => (piece.count === 1 ? accompanied(piece, limits) : piece));
}

/** Cuts [from, to), on one side of every wall. The last piece takes as many rows as it may. */
function cutSegment(pieces: Piece[], from: number, to: number, wanted: number, limits: PieceLimits): void {
  const { rowsAtOnce } = limits;
  const chunk = Math.min(limits.chunk, rowsAtOnce);
  for (let at = from; at < to; ) {
    const left = to - at;
    const quiet = left - wanted; // Positions in front whose logits nobody needs.
    let take = left;
    if (left > chunk && quiet >= Math.min(2, chunk)) take = Math.min(chunk, quiet);
    else if (left > rowsAtOnce) take = rowsAtOnce;
    if (left - take === 1 && take > 2) take--;
    pieces.push({ from: at, count: take, rows: Math.max(0, take - Math.max(0, quiet)), before: 0, behind: 0 });
    at += take;
  }
}

function accompanied(piece: Piece, { walls, contextLimit }: PieceLimits): Piece {
  const wall = (position: number) => walls.includes(position);
  if (piece.from + 2 <= contextLimit && !wall(piece.from + 1)) return { ...piece, behind: 1 };
  if (piece.from > 0 && !wall(piece.from)) return { ...piece, before: 1 };
  return piece;
}
