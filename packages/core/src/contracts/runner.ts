/** What a runner can do, known once the model is wrapped and constant from then on. */
export interface RunnerDescription {
  /** Columns of a logits row. */
  readonly vocabularySize: number;
  /** Most positions the KV cache can hold. */
  readonly contextLimit: number;
  /** Largest batch that `forward` accepts on a non-empty cache. */
  readonly batchLimit: number;
  /** How the KV cache is kept: written in place, returned anew by each forward, or fed and never returned but for its new rows. */
  readonly kvCache: "in-place" | "growing" | "lean";
  /**
   * Most rows of a `forward` that are run at once, Infinity where nothing limits them. 1: every row costs a forward of its own, so no
   * draft can pay.
   */
  readonly rowsAtOnce: number;
  /** Why `rowsAtOnce` is limited, in a few words. */
  readonly rowsAtOnceReason?: string | undefined;
}

/**
 * A loaded decoder with its KV cache, for one sequence. The only door through which core reaches a model.
 *
 * Calls do not overlap: await each before the next. The logits that a call returns are overwritten by the next call.
 */
export interface Runner {
  describe(): RunnerDescription;

  /** Positions in the KV cache now. */
  readonly length: number;

  /**
   * Appends `tokens` to the KV cache and returns logits, row-major [rows, vocabularySize].
   *
   * `rows` is how many of the last positions need logits; default all, 0 for none. A runner may run a long input in several
   * forwards when `rows` is less than `tokens.length` (prefill).
   *
   * What is returned equals the same tokens run one at a time, but for the rounding of kernels that differ with the number of rows: where
   * the model's own rows would not, the runner splits the forward. Of two tokens or more none runs as a single row then, unless
   * `rowsAtOnce` is 1.
   *
   * @throws NearfreeError `invalid-argument` for no tokens, a token outside the vocabulary, `rows` outside 0..tokens.length, or a
   *   released runner, `context-exceeded` when `length + tokens.length > contextLimit` (nothing was run in either case),
   *   `run-failed` when the runtime fails (the cache keeps its previous length).
   */
  forward(tokens: ArrayLike<number>, rows?: number): Promise<Float32Array>;

  /** Forgets every position from `length` on. @throws NearfreeError `invalid-argument` unless 0 <= length <= this.length. */
  rewind(length: number): void;

  /** Frees what the runner allocated. The session passed in stays the caller's. Idempotent. */
  release(): Promise<void>;
}
