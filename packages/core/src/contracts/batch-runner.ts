/** How the new rows of one sequence stand to each other where they are no plain continuation: branches of a tree, a block that sees itself. */
export interface RowLayout {
  /** [n]: index of each row in its text. Rows of different branches may share one. */
  readonly positions: ArrayLike<number>;
  /** Row-major [n, n]: non-zero where row i sees new row j. Every row sees itself, and all that is in the cache (inside its window). */
  readonly visible: ArrayLike<number>;
}

/** New rows of one sequence in a forward. */
export interface BatchPart {
  readonly slot: number;
  readonly tokens: ArrayLike<number>;
  /** How many of the last rows need logits. Default: all of them. */
  readonly rows?: number;
  /** Default: each row one position behind the one before, and seeing all before it. */
  readonly layout?: RowLayout;
}

export interface BatchRunnerDescription {
  /** Columns of a logits row. */
  readonly vocabularySize: number;
  /** Most positions of one sequence. */
  readonly contextLimit: number;
  /** Most sequences at a time. */
  readonly slotLimit: number;
}

/**
 * A loaded decoder with the KV caches of several sequences, each of its own length. What a sequence is given equals what a `Runner` gives
 * it alone, but for the rounding of kernels that differ with the number of rows.
 *
 * Calls do not overlap: await each before the next. Logits are overwritten by the next forward.
 */
export interface BatchRunner {
  describe(): BatchRunnerDescription;

  /** Takes a slot for an empty sequence. @throws NearfreeError `invalid-argument` where all are taken. */
  open(): number;

  /** Positions of the sequence. @throws NearfreeError `invalid-argument` for a slot that is not open, as all that follow do. */
  length(slot: number): number;

  /**
   * Appends every part to its sequence in one forward, as wide as the longest part. Returns the logits of each, row-major
   * [rows, vocabularySize].
   *
   * @throws NearfreeError `invalid-argument` for no parts, a slot twice, or tokens, rows or a layout that do not fit; `context-exceeded`
   *   (nothing was run in either case); `run-failed` (every sequence keeps its length).
   */
  forward(parts: readonly BatchPart[]): Promise<readonly Float32Array[]>;

  /** Forgets every position of the sequence from `length` on. */
  rewind(slot: number, length: number): void;

  /**
   * Of the positions from `from` on keeps those at the ascending places `kept` (from 0), side by side, and forgets the others: the
   * accepted path of a tree. Each must have been run at the position that it comes to lie at.
   */
  keep(slot: number, from: number, kept: ArrayLike<number>): void;

  /** Gives the slot back. */
  close(slot: number): void;

  /** Frees what the runner allocated. The session passed in stays the caller's. Idempotent. */
  release(): Promise<void>;
}
