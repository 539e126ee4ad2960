import type { CostCurve } from "../../profile/curve.ts";

/** Row counts that are tried: few, so that each is soon known, and right edges of most kernels. */
const CANDIDATES = [1, 2, 4, 8, 16];
/** Samples whose median counts, after a first one that is cold. */
const SAMPLES = 5;
/** A larger row count that costs less by this much is worth padding to. */
const PAD_GAIN = 0.97;

/**
 * A cost curve without a profile: what forwards cost relative to one position, learned from the forwards themselves.
 *
 * Until a row count is known it is priced as if every row cost as much as one alone, which never looks worth it: nothing unknown is
 * chosen but as a probe. The unit is T(1); the scheduler's level turns it into ms.
 */
export class LearnedCurve implements CostCurve {
  readonly maxPositions: number;
  readonly costMs: Float64Array;
  readonly paddedRows: Int32Array;
  readonly smallestRows: Int32Array;
  readonly paddedMs: Float64Array;
  readonly rightEdge: Uint8Array;
  readonly #rows: readonly number[];
  // [candidate]: samples so far, the cold one included; the samples; whether their median counts
  readonly #count: Uint8Array;
  readonly #samples: readonly Float64Array[];
  readonly #known: Uint8Array;

  constructor(maxPositions: number) {
    this.#rows = CANDIDATES.filter((n) => n <= maxPositions);
    this.maxPositions = this.#rows.at(-1)!;
    this.costMs = Float64Array.from({ length: this.maxPositions }, (_, i) => i + 1);
    this.paddedRows = new Int32Array(this.maxPositions);
    this.smallestRows = new Int32Array(this.maxPositions);
    this.paddedMs = new Float64Array(this.maxPositions);
    this.rightEdge = new Uint8Array(this.maxPositions);
    this.#count = new Uint8Array(this.#rows.length);
    this.#samples = this.#rows.map(() => new Float64Array(SAMPLES));
    this.#known = new Uint8Array(this.#rows.length);
    this.#known[0] = 1;
    for (const n of this.#rows) this.rightEdge[n - 1] = 1;
    for (let i = 0; i < this.maxPositions; i++) this.smallestRows[i] = this.#rows.find((n) => n > i)!;
    this.#refresh();
  }

  moveTo(): void {
    // Costs are learned at the contexts that come; the scheduler's correction follows them.
  }

  prefixFree(epsilon: number): number {
    let last = 1;
    for (let c = 1; c < this.#rows.length; c++) {
      const n = this.#rows[c]!;
      if (this.#known[c] === 0 || this.costMs[n - 1]! > this.costMs[0]! * (1 + epsilon)) break;
      last = n;
    }
    return last;
  }

  knows(rows: number): boolean {
    return this.#known[this.#rows.indexOf(rows)] === 1;
  }

  learn(rows: number, ratio: number): void {
    const c = this.#rows.indexOf(rows);
    if (!(ratio > 0) || !(this.#known[c] === 0)) return;
    const count = this.#count[c]!++;
    if (count > 0) this.#samples[c]![count - 1] = ratio;
    if (count < SAMPLES) return;
    this.#samples[c]!.sort();
    this.#known[c] = 1;
    this.#refresh();
  }

  /** Prices every row count by what is known, and what is not as if more rows gained nothing. */
  #refresh(): void {
    let [lastRows, lastCost] = [1, 1];
    for (let c = 0; c < this.#rows.length; c++) {
      const rows = this.#rows[c]!;
      const cost = this.#known[c] === 0 ? (lastCost * rows) / lastRows : c === 0 ? 1 : this.#samples[c]![SAMPLES >> 1]!;
      for (let n = lastRows + 1; n <= rows; n++) {
        this.costMs[n - 1] = lastCost + ((cost - lastCost) * (n - lastRows)) / (rows - lastRows);
      }
      [lastRows, lastCost] = [rows, cost];
    }
    for (let i = 0; i < this.maxPositions; i++) {
      let best = this.smallestRows[i]!;
      for (let c = 0; c < this.#rows.length; c++) {
        const rows = this.#rows[c]!;
        const cheaper = rows > best && this.costMs[rows - 1]! < PAD_GAIN * this.costMs[best - 1]!;
        if (this.#known[c] === 1 && cheaper) best = rows;
      }
      this.paddedRows[i] = best;
      this.paddedMs[i] = this.costMs[best - 1]!;
    }
  }
}
