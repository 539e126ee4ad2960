/**
 * Anything whose cost against n can be measured: a whole model, one module, one kernel.
 * `run(n)` must cost the same whenever it is called: state (a KV cache) is put back outside the timed part.
 */
export interface Probe {
  /** Largest n that `run` accepts. */
  readonly maxPositions: number;
  /** Untimed: brings the probe to the state from which `run(n)` is timed. */
  prepare(n: number): void | Promise<void>;
  /** Timed: one forward of n positions, end to end (readback included). */
  run(n: number): Promise<void>;
  /**
   * Logits of the last `run(n)`, row-major [n, columns], where the probe has them: used to find invariance classes.
   * Overwritten by the next `run`.
   */
  readonly logits?: Float32Array | undefined;
  /** Columns of a row in `logits`. */
  readonly columns?: number | undefined;
  /**
   * Untimed: the rows that `run(n)` computes at once, `rows` of them, each by a forward of one position; logits [rows, columns].
   * What a plain loop sees: one row of n = 1 would say little of how far its kernels differ.
   */
  runSingly?(rows: number): Promise<Float32Array>;
}

/** A monotonic clock in ms, injected wherever time is read. */
export type Clock = () => number;
