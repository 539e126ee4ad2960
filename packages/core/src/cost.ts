/** Row counts 1, 2-4, 5-8, 9-16, 17 and beyond have a factor each: about the ranges at which kernels change. */
const RANGES = 5;

/** Weight of one forward in the overall factor. */
const LEVEL_WEIGHT = 0.1;
/** Weight of one pair of neighbouring forwards in the factors of their ranges. */
const SHAPE_WEIGHT = 0.05;
/** One forward moves nothing as if it were further off than this (a factor of 1.5): an outlier is bounded, a shift is followed. */
const OUTLIER = Math.log(1.5);
/** The range factors stay within [1/2, 2]. */
const SHAPE_LIMIT = Math.log(2);

/** A shift of this size that lasts is drift. */
export const DRIFT = 0.15;
const DRIFT_LOG = Math.log(1 + DRIFT);
/** A shift lasts when it has held for this much forward time, and this many forwards: other load comes and goes in seconds. */
export const DRIFT_MS = 10_000;
export const DRIFT_FORWARDS = 64;

/**
 * Corrects a profile's cost online: an overall level (the machine is busier or slower than when measured) and a factor for
 * each range of rows (the shape changed).
 *
 * The shape is learned only from neighbouring forwards of different ranges, each against the other: what slows both cancels,
 * as in the anchored blocks that the profile was measured with. All updates are clamped, so no single forward counts for much.
 */
export class CostCorrection {
  /** Observed over profiled ms, over all row counts. */
  level = 1;
  /** The shift has lasted: the profile no longer fits. Stays until the shift is gone for as long. */
  stale = false;
  // [range]: log factor relative to the level, and exp of it
  readonly #logShape = new Float64Array(RANGES);
  readonly #shape = new Float64Array(RANGES).fill(1);
  #logLevel = 0;
  #lastRange = -1;
  #lastLog = 0;
  #sinceMs = 0;
  #sinceForwards = 0;

  /** Factor on the profile's ms of a forward of `rows` rows, relative to `level`. */
  shape(rows: number): number {
    return this.#shape[rangeOf(rows)]!;
  }

  /** A forward of `rows` rows took `ms`, where the profile says `profiledMs`. Anything not positive is no evidence. */
  observe(rows: number, ms: number, profiledMs: number): void {
    if (!(ms > 0) || !(profiledMs > 0) || ms === Number.POSITIVE_INFINITY) return;
    const range = rangeOf(rows);
    const log = Math.log(ms / profiledMs);
    if (this.#lastRange >= 0 && this.#lastRange !== range) this.#pair(range, log);
    const rest = log - this.#logShape[range]!;
    // The first forward sets the level: from there on the clamp protects it.
    const weight = this.#lastRange < 0 ? 1 : LEVEL_WEIGHT;
    this.#logLevel += weight * clamp(rest - this.#logLevel, OUTLIER);
    this.level = Math.exp(this.#logLevel);
    this.#lastRange = range;
    this.#lastLog = log;
    this.#watch(ms);
  }

  #pair(range: number, log: number): void {
    const before = this.#lastRange;
    const difference = log - this.#logShape[range]! - (this.#lastLog - this.#logShape[before]!);
    const half = (SHAPE_WEIGHT / 2) * clamp(difference, OUTLIER);
    this.#setShape(range, this.#logShape[range]! + half);
    this.#setShape(before, this.#logShape[before]! - half);
  }

  #setShape(range: number, log: number): void {
    this.#logShape[range] = clamp(log, SHAPE_LIMIT);
    this.#shape[range] = Math.exp(this.#logShape[range]!);
  }

  #watch(ms: number): void {
    if (this.#shifted() === this.stale) {
      this.#sinceMs = 0;
      this.#sinceForwards = 0;
      return;
    }
    this.#sinceMs += ms;
    this.#sinceForwards++;
    if (this.#sinceMs >= DRIFT_MS && this.#sinceForwards >= DRIFT_FORWARDS) this.stale = !this.stale;
  }

  #shifted(): boolean {
    if (Math.abs(this.#logLevel) > DRIFT_LOG) return true;
    let low = 0;
    let high = 0;
    for (let i = 0; i < RANGES; i++) {
      low = Math.min(low, this.#logShape[i]!);
      high = Math.max(high, this.#logShape[i]!);
    }
    return high - low > DRIFT_LOG;
  }
}

function rangeOf(rows: number): number {
  return rows <= 1 ? 0 : rows <= 4 ? 1 : rows <= 8 ? 2 : rows <= 16 ? 3 : 4;
}

function clamp(value: number, limit: number): number {
  return Math.max(-limit, Math.min(limit, value));
}
