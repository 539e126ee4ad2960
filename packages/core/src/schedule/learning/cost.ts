import { DRIFT, DriftDetector } from "./drift.ts";

/** Row counts 1, 2-4, 5-8, 9-16, 17 and beyond have a factor each: about the ranges at which kernels change. */
const RANGES = 5;

/** Weight of one forward in the overall factor. */
const LEVEL_WEIGHT = 0.1;
/** Forwards of which the fastest sets the level at first: the very first ones are cold. */
const FIRST_FORWARDS = 5;
/** Pairs of neighbouring forwards that the profile's own shape counts for, and that a range's factor forgets over. */
const SHAPE_TRUST = 20;
/** One forward moves nothing as if it were further off than this (a factor of 1.5): an outlier is bounded, a shift is followed. */
const OUTLIER = Math.log(1.5);
/** The range factors stay within [1/2, 2]. */
const SHAPE_LIMIT = Math.log(2);
/** Pairs that the shape rests on at first when it is learned anew, and those after which it is known whether it has changed. */
const FIRST_TRUST = 4;
const TELLING_PAIRS = 6;
/** Ranges whose factors lie further apart than this are of another shape than profiled. */
const RESHAPED = Math.log(1 + DRIFT);
/** After drift, a range counts as known while it was run so often, and last so many forwards ago. */
const KNOWN_FORWARDS = 3;
const KNOWN_FOR = 400;

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
  /** Forwards observed. */
  forwards = 0;
  // [range]: log factor relative to the level, exp of it, and pairs that it rests on
  readonly #logShape = new Float64Array(RANGES);
  readonly #shape = new Float64Array(RANGES).fill(1);
  readonly #trust = new Float64Array(RANGES).fill(SHAPE_TRUST);
  // [range]: forwards lately, and the number of the last one
  readonly #count = new Float64Array(RANGES);
  readonly #last = new Float64Array(RANGES);
  readonly #drift = new DriftDetector();
  readonly #rangeDrift = Array.from({ length: RANGES }, () => new DriftDetector());
  #stale = false;
  #reshaped = false;
  #pairs = 0;
  #logLevel = 0;
  #lastRange = -1;
  #lastLog = 0;

  /** A shift of 15%, over all or in one range, has lasted: the profile no longer fits. Taken back once it fits again. */
  get stale(): boolean {
    return this.#stale;
  }

  /** Factor on the profile's ms of a forward of `rows` rows, relative to `level`. */
  shape(rows: number): number {
    return this.#shape[rangeOf(rows)]!;
  }

  /**
   * Whether the cost of `rows` rows may be relied on: the profile fits, or its shape does and all is slower alike, or that many were
   * run lately.
   */
  knows(rows: number): boolean {
    if (!this.#stale || (this.#pairs >= TELLING_PAIRS && !this.#reshaped)) return true;
    const range = rangeOf(rows);
    return this.#count[range]! >= KNOWN_FORWARDS && this.forwards - this.#last[range]! < KNOWN_FOR;
  }

  /** A forward of `rows` rows took `ms`, where the profile says `profiledMs`. Anything not positive is no evidence. */
  observe(rows: number, ms: number, profiledMs: number): void {
    if (!(ms > 0) || !(profiledMs > 0) || ms === Number.POSITIVE_INFINITY) return;
    const range = rangeOf(rows);
    const log = Math.log(ms / profiledMs);
    this.#note(range);
    if (this.#lastRange >= 0 && this.#lastRange !== range) this.#pair(range, log);
    const rest = log - this.#logShape[range]!;
    if (this.forwards === 1) this.#logLevel = rest;
    else if (this.forwards <= FIRST_FORWARDS) this.#logLevel = Math.min(this.#logLevel, rest);
    else this.#logLevel += LEVEL_WEIGHT * clamp(rest - this.#logLevel, OUTLIER);
    this.level = Math.exp(this.#logLevel);
    this.#lastRange = range;
    this.#lastLog = log;
    this.#watch(range, log);
  }

  #note(range: number): void {
    this.forwards++;
    if (this.forwards - this.#last[range]! >= KNOWN_FOR) this.#count[range] = 0;
    this.#count[range]!++;
    this.#last[range] = this.forwards;
  }

  /** The range that is known less takes more of the difference. */
  #pair(range: number, log: number): void {
    const before = this.#lastRange;
    const difference = log - this.#logShape[range]! - (this.#lastLog - this.#logShape[before]!);
    const move = clamp(difference, OUTLIER);
    const [weight, weightBefore] = [1 / this.#trust[range]!, 1 / this.#trust[before]!];
    const share = Math.max(weight, weightBefore) / (weight + weightBefore);
    this.#setShape(range, this.#logShape[range]! + share * weight * move);
    this.#setShape(before, this.#logShape[before]! - share * weightBefore * move);
    this.#pairs++;
    this.#reshaped = this.#spread() > RESHAPED;
  }

  #setShape(range: number, log: number): void {
    this.#logShape[range] = clamp(log, SHAPE_LIMIT);
    this.#shape[range] = Math.exp(this.#logShape[range]!);
    this.#trust[range] = Math.min(SHAPE_TRUST, this.#trust[range]! + 1);
  }

  #spread(): number {
    let low = 0;
    let high = 0;
    for (let i = 0; i < RANGES; i++) {
      low = Math.min(low, this.#logShape[i]!);
      high = Math.max(high, this.#logShape[i]!);
    }
    return high - low;
  }

  #watch(range: number, log: number): void {
    this.#drift.observe(log);
    this.#rangeDrift[range]!.observe(log);
    const stale = this.#drift.shifted || this.#rangeDrift.some(isShifted);
    // What the shape was is no longer worth much: it is learned anew, fast at first.
    if (stale && !this.#stale) {
      this.#trust.fill(FIRST_TRUST);
      this.#pairs = 0;
    }
    this.#stale = stale;
  }
}

function isShifted(detector: DriftDetector): boolean {
  return detector.shifted;
}

function rangeOf(rows: number): number {
  return rows <= 1 ? 0 : rows <= 4 ? 1 : rows <= 8 ? 2 : rows <= 16 ? 3 : 4;
}

function clamp(value: number, limit: number): number {
  return Math.max(-limit, Math.min(limit, value));
}
