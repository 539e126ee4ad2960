import type { CostCurve } from "../../profile/curve.ts";
import type { CostCorrection } from "./cost.ts";

/** More rows that cost less than this share of fewer ones are worth padding to. */
const PAD_GAIN = 0.95;

/**
 * A cost curve as it was observed to be, at the level of the smallest forward.
 *
 * While the profile fits this is the profile, corrected: it pads as the profile does, where the corrected costs do not speak
 * against it. Once it is dropped only row counts that were run lately are relied on, and padding goes by what they cost.
 */
export class CorrectedCurve implements CostCurve {
  readonly maxPositions: number;
  readonly costMs: Float64Array;
  readonly paddedRows: Int32Array;
  readonly smallestRows: Int32Array;
  readonly paddedMs: Float64Array;
  rightEdge: Uint8Array;
  readonly #observedEdge: Uint8Array;
  readonly #profiled: CostCurve;
  readonly #cost: CostCorrection;

  constructor(profiled: CostCurve, cost: CostCorrection) {
    this.#profiled = profiled;
    this.#cost = cost;
    this.maxPositions = profiled.maxPositions;
    this.costMs = new Float64Array(profiled.costMs.length);
    this.smallestRows = profiled.smallestRows;
    this.paddedRows = new Int32Array(this.maxPositions);
    this.paddedMs = new Float64Array(this.maxPositions);
    this.rightEdge = this.#observedEdge = new Uint8Array(this.maxPositions);
    this.moveTo(0);
  }

  /** Moves the profile's curve, and takes in what was observed since. */
  moveTo(contextLength: number): void {
    const profiled = this.#profiled;
    profiled.moveTo(contextLength);
    this.#cost.correct(profiled.costMs, this.costMs, 1, this.costMs.length);
    if (this.#cost.dropped) {
      this.#priceUnknown();
      this.#padAsObserved();
    } else this.#padAsProfiled();
  }

  prefixFree(epsilon: number): number {
    if (!this.#cost.dropped) return this.#profiled.prefixFree(epsilon);
    const most = this.paddedMs[0]! * (1 + epsilon);
    let n = 1;
    while (n < this.maxPositions && this.#cost.knows(this.paddedRows[n]!) && this.paddedMs[n]! <= most) n++;
    return n;
  }

  knows(rows: number): boolean {
    return this.#cost.knows(rows) && this.#profiled.knows?.(rows) !== false;
  }

  #padAsProfiled(): void {
    const { costMs, smallestRows, paddedRows, paddedMs } = this;
    this.rightEdge = this.#profiled.rightEdge;
    for (let i = 0; i < paddedMs.length; i++) {
      const padded = this.#profiled.paddedRows[i]!;
      const smallest = smallestRows[i]!;
      const rows = costMs[padded - 1]! <= costMs[smallest - 1]! ? padded : smallest;
      paddedRows[i] = rows;
      paddedMs[i] = costMs[rows - 1]!;
    }
  }

  /** What is not known costs as if more rows saved nothing, which never looks worth it. */
  #priceUnknown(): void {
    const { costMs } = this;
    let known = this.smallestRows[0]!;
    for (let rows = known + 1; rows <= costMs.length; rows++) {
      if (this.#cost.knows(rows)) known = rows;
      else costMs[rows - 1] = (costMs[known - 1]! * rows) / known;
    }
  }

  #padAsObserved(): void {
    const { costMs, smallestRows, paddedRows, paddedMs } = this;
    const rightEdge = this.#observedEdge;
    this.rightEdge = rightEdge;
    let cheapest = 0;
    for (let i = this.maxPositions - 1; i >= 0; i--) {
      const rows = smallestRows[i]!;
      const pays = cheapest === 0 || PAD_GAIN * costMs[rows - 1]! <= costMs[cheapest - 1]!;
      if (pays && (i === 0 || this.#cost.knows(rows))) cheapest = rows;
      // Beyond all that is known: unknown.
      paddedRows[i] = cheapest === 0 ? rows : cheapest;
      paddedMs[i] = costMs[paddedRows[i]! - 1]!;
      rightEdge[i] = i === this.maxPositions - 1 || paddedRows[i] !== paddedRows[i + 1] ? 1 : 0;
    }
  }
}
