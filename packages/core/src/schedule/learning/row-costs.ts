/** Row counts up to this have a place each; beyond, eight places to a doubling. */
const EXACT = 16;
const PLACES = 96;
/** The last samples of a place: their median tells it from a single forward that was held up. */
const WINDOW = 5;
/** Samples that make a row count known, and those that make others be compared with it. */
const KNOWN = 2;
const TRUSTED = 3;
/** Forwards that run at one level, as far as nothing is known of it. */
const NEAR = 4;
/** Samples that an estimate averages over, once its window is full. */
const AVERAGE = 20;
/** Error of a single sample: by as much, over the root of their number, a cost is taken to be dearer. */
const DOUBT = 0.15;
/** The size of an error of the profile that is believed half, and whole beyond once it was seen often enough. */
const PROFILE_ERROR = 0.2;
/** A sample further off than this is not averaged in; where most of the window is, the estimate jumps there. */
const JUMP = Math.log(1.3);
/** A row count contradicts the profile from this factor on, and no longer within the second. */
const CONTRADICTS = Math.log(1.5);
const FITS = Math.log(1.25);
/** A row count stays known for so many forwards after it was run. */
export const KNOWN_FOR = 400;

/**
 * What row counts really cost, each for itself and beside the smallest forward: logs of observed over profiled ms.
 *
 * A sample compares two neighbouring forwards, one of which is the smallest or known well, so that what slows both cancels. The
 * first sample counts at once where it is dear, and only with two more where it is cheap: a forward that was held up leads to a
 * second try, and none to a loss.
 */
export class RowCosts {
  /** Counts up whenever costs turn out to be something else: what was decided by the old ones is worth nothing. */
  revision = 0;
  // [place]: estimate and exp of it, factor on the corrected profile, samples it rests on, number of the last forward, and 1 where it contradicts the profile
  readonly #log = new Float64Array(PLACES);
  readonly #factor = new Float64Array(PLACES).fill(1);
  readonly #refined = new Float64Array(PLACES).fill(1);
  readonly #samples = new Int32Array(PLACES);
  readonly #last = new Float64Array(PLACES).fill(Number.NEGATIVE_INFINITY);
  readonly #off = new Uint8Array(PLACES);
  // [place * WINDOW + i]: the last samples; and a place's, sorted
  readonly #window = new Float64Array(PLACES * WINDOW);
  readonly #sorted = new Float64Array(WINDOW);
  #contradictions = 0;
  #lastFit = 0;
  #widest = 0;
  #forwards = 0;
  #surprises = 0;
  // The forward before: its rows (0: none), its log and the profile's, and whether it may give a sample yet
  #rows = 0;
  #logMs = 0;
  #fit = 0;
  #unsampled = false;
  // The last of the smallest forwards: its place (-1: none yet), its log, and the forwards since
  #base = -1;
  #baseLog = 0;
  #sinceBase = Number.POSITIVE_INFINITY;

  /** Some row count costs so much more or less than profiled that nothing of the profile is to be relied on. */
  get contradicted(): boolean {
    return this.#contradictions > 0;
  }

  /** Samples in a row that were far off what was known: the next ones tell whether costs have changed. */
  get surprises(): number {
    return this.#surprises;
  }

  /** Most rows that were found to cost what was profiled. */
  get widest(): number {
    return this.#widest;
  }

  /** Log of observed over profiled ms of `rows` rows, beside that of the smallest forward. 0 without a sample. */
  log(rows: number): number {
    const place = placeOf(rows);
    return place === this.#base ? 0 : this.#log[place]!;
  }

  /** exp of `log(rows)`, and a little more the fewer samples there are: what only looks cheaper than the smallest forward costs, what is not tried does not. */
  factor(rows: number): number {
    const place = placeOf(rows);
    return place === this.#base ? 1 : this.#factor[place]!;
  }

  /** Factor on what the corrected profile says of `rows` rows; 1 soon after they were last known. */
  refined(rows: number): number {
    return this.#refined[placeOf(rows)]!;
  }

  /** Samples of `rows` rows, as far as they were run lately. */
  samples(rows: number): number {
    const place = placeOf(rows);
    return this.#forwards - this.#last[place]! < KNOWN_FOR ? this.#samples[place]! : 0;
  }

  knows(rows: number): boolean {
    return placeOf(rows) === this.#base || this.samples(rows) >= KNOWN;
  }

  /** Whether `rows` rows are known well enough to compare others with. */
  trusts(rows: number): boolean {
    return placeOf(rows) === this.#base || this.samples(rows) >= TRUSTED;
  }

  /** Whether one more sample decides if `rows` rows contradict the profile or were held up once. */
  doubts(rows: number): boolean {
    return this.#off[placeOf(rows)] === 1 && this.samples(rows) === 1;
  }

  /**
   * A forward of `rows` rows took exp(`log`) times its profiled ms, at a level that it shares with its neighbours.
   * @param fit log of the factor that the profile is corrected by for `rows` rows, beside that for the smallest forward.
   * @param base whether it was one of the smallest. Returns whether it could be compared with one.
   */
  observe(rows: number, log: number, fit: number, base: boolean): boolean {
    const place = placeOf(rows);
    this.#forwards++;
    if (this.samples(rows) === 0) this.#samples[place] = 0;
    this.#last[place] = this.#forwards;
    this.#expire(this.#forwards % PLACES);
    const before = this.#rows === 0 ? -1 : placeOf(this.#rows);
    let sampled = base;
    if (base) {
      if (this.#unsampled) this.#sample(this.#rows, this.#logMs - log, this.#fit);
      this.#base = place;
      this.#refined[place] = 1;
    } else if (before !== place && this.#sinceBase < NEAR) {
      this.#sample(rows, log - this.#baseLog, fit);
      sampled = true;
    } else if (before >= 0 && before !== place && this.#samples[before]! >= TRUSTED) {
      this.#sample(rows, log - this.#logMs + this.#log[before]!, fit);
      sampled = true;
    }
    this.#sinceBase = base ? 0 : this.#sinceBase + 1;
    if (base) this.#baseLog = log;
    this.#rows = rows;
    this.#logMs = log;
    this.#fit = fit;
    this.#unsampled = !sampled;
    return sampled;
  }

  #sample(rows: number, log: number, fit: number): void {
    const place = placeOf(rows);
    const start = place * WINDOW;
    const count = ++this.#samples[place]!;
    this.#window[start + ((count - 1) % WINDOW)] = log;
    const middle = this.#middle(start, Math.min(count, WINDOW));
    const known = this.#log[place]!;
    this.#surprises = count > 1 && Math.abs(log - known) > JUMP ? this.#surprises + 1 : 0;
    if (count <= WINDOW || Math.abs(middle - known) > JUMP) {
      // Cheap is believed from the third sample on: the other forward may have been held up.
      this.#log[place] = count < TRUSTED ? Math.max(middle, fit - FITS) : middle;
    } else if (Math.abs(log - known) <= JUMP) {
      this.#log[place] = known + (log - known) / Math.min(count, AVERAGE);
    }
    this.#factor[place] = Math.exp(this.#log[place]! + DOUBT / Math.sqrt(Math.min(count, AVERAGE)));
    const error = this.#log[place]! - fit;
    const sure = count >= TRUSTED && error ** 2 * Math.min(count, AVERAGE) > PROFILE_ERROR ** 2 * TRUSTED;
    const weight = error ** 2 / (error ** 2 + PROFILE_ERROR ** 2);
    this.#refined[place] = Math.exp(sure ? error : weight * error);
    this.#judge(place, this.#log[place]! - fit, rows);
    if (this.contradicted && Math.abs(this.#log[place]! - known) > JUMP) this.revision++;
  }

  #judge(place: number, deviation: number, rows: number): void {
    const off = this.#off[place] === 1 ? Math.abs(deviation) > FITS : Math.abs(deviation) > CONTRADICTS;
    if (!off) {
      this.#widest = Math.max(this.#widest, rows);
      // By the profile itself: what was corrected fits whatever it is.
      if (this.#samples[place]! >= KNOWN && Math.abs(this.#log[place]!) < FITS) this.#lastFit = this.#forwards;
    }
    // One sample takes nothing back.
    if (off === (this.#off[place] === 1) || (!off && this.#samples[place]! < KNOWN)) return;
    this.#off[place] = off ? 1 : 0;
    this.#contradictions += off ? 1 : -1;
    this.revision++;
  }

  /** Costs have shifted for good: unless it is known how, the samples so far are of another time. */
  forget(): void {
    if (this.contradicted) return;
    this.#samples.fill(0);
    this.#refined.fill(1);
  }

  /** What is too long ago refines nothing, and contradicts nothing where others have fitted since. One place a forward is looked at. */
  #expire(place: number): void {
    if (this.#forwards - this.#last[place]! < KNOWN_FOR) return;
    this.#refined[place] = 1;
    if (this.#off[place] === 0 || this.#lastFit < this.#last[place]!) return;
    this.#off[place] = 0;
    this.#samples[place] = 0;
    this.#contradictions--;
    this.revision++;
  }

  /** The lower median of the first `count` samples from `start` on. */
  #middle(start: number, count: number): number {
    const sorted = this.#sorted;
    for (let i = 0; i < count; i++) {
      const value = this.#window[start + i]!;
      let at = i;
      for (; at > 0 && sorted[at - 1]! > value; at--) sorted[at] = sorted[at - 1]!;
      sorted[at] = value;
    }
    return sorted[(count - 1) >> 1]!;
  }
}

/** Rows beyond share the last place. */
const TABLE = 1024;
// PLACE_OF[rows]
const PLACE_OF = Uint8Array.from({ length: TABLE + 1 }, (_, rows) => {
  if (rows <= EXACT) return Math.max(0, rows - 1);
  const doublings = Math.floor(Math.log2((rows - 1) / EXACT));
  return Math.min(PLACES - 1, EXACT + 8 * doublings + Math.floor(8 * ((rows - 1) / (EXACT * 2 ** doublings) - 1)));
});

function placeOf(rows: number): number {
  return PLACE_OF[Math.min(rows, TABLE)]!;
}
