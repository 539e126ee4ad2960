import { DRIFT, DriftDetector } from "./drift.ts";
import { KNOWN_FOR, RowCosts } from "./row-costs.ts";

/** Row counts 1, 2-4, 5-8, 9-16, 17 and beyond have a factor each: about the ranges at which kernels change. */
const LAST_OF_RANGE = [1, 4, 8, 16, Number.POSITIVE_INFINITY];
const RANGES = LAST_OF_RANGE.length;

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
/** After drift, a range counts as known while it was run so often, and last within KNOWN_FOR forwards. */
const KNOWN_FORWARDS = 3;
/** Where the level has moved by this since the smallest forward was last run, it is run again: level or shape, it tells. */
const MOVED = Math.log(1.3);
/** Forwards between two such, and between two while it is not yet known what has changed. */
const CHECK_AFTER = 16;
const RECHECK_AFTER = 2;
/** A forward further off than this is looked into at once where its range was never compared with the smallest. */
const ODD = Math.log(1.3);
/** Forwards in a row without a measured time after which no more are asked for. */
const MOST_UNMEASURED = 3;
/** Samples that change a median. */
const MOST_SURPRISES = 3;
/** Rows of a forward before any was compared with the smallest; later, times as many as were compared and found as profiled. */
const FIRST_ROWS = 16;
const WIDEN = 4;

/**
 * Corrects a profile's cost online: an overall level (the machine is busier or slower than when measured), a factor for each range
 * of rows (the shape changed), and one for each row count that was compared with the smallest forward. Where one of these contradicts
 * the profile, the profile is dropped: what was observed is all that counts.
 *
 * The shape is learned only from neighbouring forwards of different ranges, each against the other: what slows both cancels,
 * as in the anchored blocks that the profile was measured with. All updates are clamped, so no single forward counts for much.
 */
export class CostCorrection {
  /** Observed over profiled ms, over all row counts. */
  level = 1;
  /** Forwards observed. */
  forwards = 0;
  /** Forwards since one of the smallest. */
  sinceBase = Number.POSITIVE_INFINITY;
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
  readonly #rowCosts = new RowCosts();
  // The last of the smallest forwards: its range, and the log level then
  #baseRange = 0;
  #baseLevel = 0;
  // [range]: 1 where it was ever compared with the smallest forward
  readonly #compared = new Uint8Array(RANGES);
  // The last forward: its rows, and whether it was far off
  #lastRows = 0;
  #unmeasured = 0;
  #odd = false;
  #lastRange = -1;
  #lastLog = 0;

  /**
   * A shift of 15%, over all or in one range, has lasted, or some row count contradicts the profile: it no longer fits. Taken back
   * once it fits again.
   */
  get stale(): boolean {
    return this.#stale || this.dropped;
  }

  /** Some row count costs so much more or less than profiled that only what was observed is priced, and nothing else relied on. */
  get dropped(): boolean {
    return this.#rowCosts.contradicted;
  }

  /** Counts up whenever costs turn out to be something else. */
  get revision(): number {
    return this.#rowCosts.revision;
  }

  /** Whether it takes one of the smallest forwards to tell what has changed, or whether the rows last run cost what is said of them. */
  get asksForBase(): boolean {
    if (this.forwards === 0 || this.sinceBase === 0 || this.#unmeasured >= MOST_UNMEASURED) return false;
    if (this.#compared[rangeOf(this.#lastRows)] === 0 && (this.#odd || this.sinceBase >= 2 * CHECK_AFTER)) return true;
    const { surprises } = this.#rowCosts;
    if (surprises > 0 && surprises < MOST_SURPRISES) return this.sinceBase >= RECHECK_AFTER;
    return this.sinceBase >= CHECK_AFTER && Math.abs(this.#logLevel - this.#baseLevel) > MOVED;
  }

  /** Most rows of a forward for now: nothing far wider than what was found to fit is run before that. */
  get mostRows(): number {
    return this.dropped ? Number.POSITIVE_INFINITY : Math.max(FIRST_ROWS, WIDEN * this.#rowCosts.widest);
  }

  /** Whether `rows` rows were compared with the smallest forward so often that one more tells little. */
  compared(rows: number): boolean {
    return this.#rowCosts.trusts(rows);
  }

  /** Whether `rows` rows are due for another try: only one forward contradicts the profile. */
  doubts(rows: number): boolean {
    return this.#rowCosts.doubts(rows);
  }

  /** Factor on the profile's ms of a forward of `rows` rows, relative to `level`. */
  shape(rows: number): number {
    if (this.dropped) return this.#rowCosts.factor(rows);
    return this.#shape[rangeOf(rows)]! * this.#rowCosts.refined(rows);
  }

  /** out[rows-1]: profiledMs[rows-1] times `shape(rows)`, for rows `from` to `to`. */
  correct(profiledMs: Float64Array, out: Float64Array, from: number, to: number): void {
    const costs = this.#rowCosts;
    if (this.dropped) {
      for (let rows = from; rows <= to; rows++) out[rows - 1] = profiledMs[rows - 1]! * costs.factor(rows);
      return;
    }
    let range = rangeOf(from);
    for (let rows = from; rows <= to; rows++) {
      if (rows > LAST_OF_RANGE[range]!) range++;
      out[rows - 1] = profiledMs[rows - 1]! * this.#shape[range]! * costs.refined(rows);
    }
  }

  /**
   * Whether the cost of `rows` rows may be relied on: the profile fits, or its shape does and all is slower alike, or that many were
   * run lately.
   */
  knows(rows: number): boolean {
    if (this.dropped) return this.#rowCosts.knows(rows);
    if (!this.#stale || (this.#pairs >= TELLING_PAIRS && !this.#reshaped)) return true;
    const range = rangeOf(rows);
    return this.#count[range]! >= KNOWN_FORWARDS && this.forwards - this.#last[range]! < KNOWN_FOR;
  }

  /**
   * A forward of `rows` rows took `ms`, where the profile says `profiledMs`. Anything not positive is no evidence.
   * @param base whether it was one of the smallest that may be run.
   */
  observe(rows: number, ms: number, profiledMs: number, base = rows === 1): void {
    if (!(ms > 0) || !(profiledMs > 0) || ms === Number.POSITIVE_INFINITY) {
      this.#unmeasured++;
      return;
    }
    this.#unmeasured = 0;
    const range = rangeOf(rows);
    const log = Math.log(ms / profiledMs);
    this.#note(range);
    if (this.#lastRange >= 0 && this.#lastRange !== range) this.#pair(range, log);
    if (base) this.#baseRange = range;
    const wasDropped = this.dropped;
    const compared = this.#rowCosts.observe(rows, log, this.#logShape[range]! - this.#logShape[this.#baseRange]!, base);
    const rest = log - Math.log(this.shape(rows));
    this.#odd = Math.abs(rest - this.#logLevel) > ODD;
    this.#setLevel(rest);
    this.sinceBase++;
    if (base) {
      this.sinceBase = 0;
      this.#baseLevel = this.#logLevel;
      if (this.#lastRange >= 0) this.#compared[this.#lastRange] = 1;
    }
    // A profile that is taken back is looked at as if it were new.
    if (wasDropped && !this.dropped) this.#compared.fill(0);
    if (compared) this.#compared[range] = 1;
    this.#lastRange = range;
    this.#lastRows = rows;
    this.#lastLog = log;
    this.#watch(range, log);
  }

  #setLevel(rest: number): void {
    if (this.forwards === 1) this.#logLevel = rest;
    else if (this.forwards <= FIRST_FORWARDS) this.#logLevel = Math.min(this.#logLevel, rest);
    else this.#logLevel += LEVEL_WEIGHT * clamp(rest - this.#logLevel, OUTLIER);
    this.level = Math.exp(this.#logLevel);
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
      this.#rowCosts.forget();
      this.#pairs = 0;
    }
    this.#stale = stale;
  }
}

function isShifted(detector: DriftDetector): boolean {
  return detector.shifted;
}

function rangeOf(rows: number): number {
  let range = 0;
  while (rows > LAST_OF_RANGE[range]!) range++;
  return range;
}

function clamp(value: number, limit: number): number {
  return Math.max(-limit, Math.min(limit, value));
}
