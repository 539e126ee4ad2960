/**
 * Anything whose cost against n can be measured: a whole model, one module, one kernel.
 * `run(n)` must cost the same whenever it is called: state (a KV cache) is put back outside the timed part. What it is fed may differ
 * from call to call, and should where the cost depends on it: a mixture of experts that sees one token again finds its experts in the
 * cache, as no decode loop does.
 */
export interface Probe {
  /** Largest n that `run` accepts. */
  readonly maxPositions: number;
  /** Untimed: brings the probe to the state from which `run(n)` is timed. */
  prepare(n: number): void | Promise<void>;
  /** Timed: one forward of n positions, end to end (readback included). */
  run(n: number): Promise<void>;
  /** Where the probe has logits: what invariance classes are found with. */
  readonly rows?: ProbeRows | undefined;
}

/**
 * Logits of the same rows, always of the same tokens, by forwards of different widths. Untimed. A `place` is somewhere in a text, with
 * a context of its own; place 0, the default, is where forwards are timed.
 */
export interface ProbeRows {
  readonly columns: number;
  /** Places at which every n is compared. Default 1. */
  readonly places?: number;
  /** Places behind those, for kernels whose rows agree so often that a few places prove little. Default 0. */
  readonly furtherPlaces?: number;
  /**
   * The first n rows by one forward of n positions: row-major [n, columns], overwritten by what is run next. Fewer rows where tokens
   * behind them were others than `singly` has: a row must keep its bits whatever runs behind it.
   */
  together(n: number, place?: number): Promise<Float32Array>;
  /**
   * The first `count` rows, each by a forward of one position: [count, columns]. What a plain loop sees: one row of n = 1 would
   * say little of how far its kernels differ.
   */
  singly(count: number, place?: number): Promise<Float32Array>;
}

/** A monotonic clock in ms, injected wherever time is read. */
export type Clock = () => number;
