/** Most bytes of logits kept for comparison per class; later rows of a wide forward are not compared beyond it. */
const MAX_CLASS_BYTES = 64 << 20;

interface BitClass {
  readonly members: number[];
  /** Rows of its widest member: row j is the same in every member that has it. */
  rows: Float32Array;
}

/** The rows of one place in the text: sorts n into classes of equal bits, and compares every n with single rows. */
export class PlaceRows {
  readonly #columns: number;
  readonly #classes: BitClass[] = [];
  readonly #unstable = new Set<number>();
  readonly #rowCounts = new Map<number, number>();
  #singles: Float32Array | undefined;
  /** Against single rows: rows compared, those with another argmax, the largest difference, the largest logit. */
  rows = 0;
  flips = 0;
  maxDifference = 0;
  largest = 0;

  constructor(columns: number) {
    this.#columns = columns;
  }

  /** Takes the rows of one forward of n positions, row-major; of n = 1 also of several in a row. */
  record(n: number, logits: Float32Array): void {
    if (this.#unstable.has(n)) return;
    const width = this.#columns;
    const kept = Math.max(1, Math.min(logits.length / width, Math.floor(MAX_CLASS_BYTES / (4 * width))));
    const rows = logits.slice(0, kept * width);
    if (n === 1 && rows.length > (this.#singles?.length ?? 0)) this.#singles = rows;
    this.#rowCounts.set(n, Math.max(kept, this.#rowCounts.get(n) ?? 0));
    const known = this.#classes.findIndex(({ members }) => members.includes(n));
    if (known !== -1) {
      const own = this.#classes[known]!;
      if (!equalBits(own.rows, rows)) this.#isolate(n, known);
      else if (own.members.length === 1 && rows.length > own.rows.length) own.rows = rows;
      return;
    }
    if (n !== 1 && this.#singles !== undefined) this.#compare(this.#singles, rows);
    const home = this.#classes.find((each) => equalBits(each.rows, rows));
    if (home === undefined) {
      this.#classes.push({ members: [n], rows });
    } else {
      home.members.push(n);
      if (rows.length > home.rows.length) home.rows = rows;
    }
  }

  /** Every n that was recorded. */
  get positions(): readonly number[] {
    return [...this.#rowCounts.keys()];
  }

  /** Which class n is of here; of its own where its repeats differ, undefined where it was not recorded. */
  classOf(n: number): string | undefined {
    if (this.#unstable.has(n)) return `alone ${n}`;
    const index = this.#classes.findIndex(({ members }) => members.includes(n));
    return index === -1 ? undefined : String(index);
  }

  /** Every n of its class here; none where it was not recorded. */
  membersWith(n: number): readonly number[] {
    return this.#classes.find(({ members }) => members.includes(n))?.members ?? [];
  }

  rowsOf(n: number): number {
    return this.#rowCounts.get(n) ?? 0;
  }

  /** An n whose repeats differ belongs to no class with others. */
  #isolate(n: number, index: number): void {
    const { members } = this.#classes[index]!;
    members.splice(members.indexOf(n), 1);
    if (members.length === 0) this.#classes.splice(index, 1);
    this.#unstable.add(n);
  }

  #compare(single: Float32Array, rows: Float32Array): void {
    const width = this.#columns;
    const count = Math.min(single.length, rows.length) / width;
    for (let row = 0; row < count; row++) {
      let [bestSingle, best] = [row * width, row * width];
      for (let i = row * width; i < (row + 1) * width; i++) {
        this.maxDifference = Math.max(this.maxDifference, Math.abs(single[i]! - rows[i]!));
        this.largest = Math.max(this.largest, Math.abs(single[i]!));
        if (single[i]! > single[bestSingle]!) bestSingle = i;
        if (rows[i]! > rows[best]!) best = i;
      }
      this.rows++;
      if (bestSingle !== best) this.flips++;
    }
  }
}

/** Whether the values that both have are the same bits. */
function equalBits(a: Float32Array, b: Float32Array): boolean {
  const length = Math.min(a.length, b.length);
  const left = new Uint32Array(a.buffer, a.byteOffset, length);
  const right = new Uint32Array(b.buffer, b.byteOffset, length);
  for (let i = 0; i < length; i++) if (left[i] !== right[i]) return false;
  return true;
}
