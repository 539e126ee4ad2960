import type { PlanRequest } from "../../contracts/scheduler.ts";
import type { RowsModel } from "./batch.ts";

/** A survival is compared to 2^-32; the rest of a key says whose it is, the first request above the others. */
const SURVIVAL_STEPS = 2 ** 32;
const OWNERS = 1024;

/**
 * What widening a step of several requests brings, by the rows that it takes. From `least` rows, one position each, a step is
 * widened by one row at a time: of every sequence at once (`padded`), or of the one whose next draft token is likeliest to
 * stand (`flat`). Buffers are allocated once.
 */
export class BatchRows {
  readonly maxRequests: number;
  readonly maxPositions: number;
  /** survival[i][k] = S_k of request i, to be filled after `limit`. */
  readonly survival: readonly Float64Array[];
  /** gain[c]: expected tokens of row c beyond `least`, the best first. */
  readonly gain: Float64Array;
  readonly #flat: boolean;
  readonly #available: Int32Array;
  // flat: sorted keys of all draft tokens, and owner[c] of gain c
  readonly #keys: Float64Array;
  readonly #owner: Int32Array;
  readonly #taken: Int32Array;
  #requests = 0;
  #mostRows = 0;
  #ranked = 0;

  constructor(model: RowsModel, maxRequests: number, maxPositions: number) {
    this.#flat = model === "flat";
    this.maxRequests = maxRequests;
    this.maxPositions = maxPositions;
    const tokens = maxRequests * (maxPositions - 1);
    this.survival = Array.from({ length: maxRequests }, () => new Float64Array(maxPositions));
    this.gain = new Float64Array(this.#flat ? tokens : maxPositions);
    this.#available = new Int32Array(maxRequests);
    this.#keys = new Float64Array(this.#flat ? tokens : 0);
    this.#owner = new Int32Array(this.#keys.length);
    this.#taken = new Int32Array(maxRequests);
  }

  /** Rows of one position each. */
  get least(): number {
    return this.#flat ? this.#requests : 1;
  }

  /** Most rows beyond `least`, padding included where every cache has room for it. */
  get widest(): number {
    return this.#flat ? Number.POSITIVE_INFINITY : this.#mostRows - 1;
  }

  begin(requests: number): void {
    this.#requests = requests;
    this.#mostRows = Number.POSITIVE_INFINITY;
  }

  /** Positions that request i may have, at least 1. */
  limit(i: number, { drafted, positionLimit, rowLimit }: PlanRequest): number {
    const available = Math.max(1, Math.min(1 + drafted, positionLimit, rowLimit, this.maxPositions));
    this.#available[i] = available;
    // A padded sequence runs the rows of the widest one: the fullest cache limits all.
    this.#mostRows = Math.max(1, Math.min(this.#mostRows, rowLimit));
    return available;
  }

  /** Ranks the draft tokens of all requests into `gain`. Returns how many rows bring any. */
  rank(): number {
    return this.#flat ? this.#rankFlat() : this.#rankPadded();
  }

  /** Gives each request its positions in a step widened `widened` times. Returns the expected tokens beyond one each. */
  assign(widened: number, positions: Int32Array): number {
    positions.fill(0);
    positions.fill(1, 0, this.#requests);
    let tokens = 0;
    if (this.#flat) {
      for (let c = 0; c < Math.min(widened, this.#ranked); c++) {
        positions[this.#owner[c]!]!++;
        tokens += this.gain[c]!;
      }
      return tokens;
    }
    for (let i = 0; i < this.#requests; i++) positions[i] = Math.min(1 + widened, this.#available[i]!);
    for (let c = 0; c < Math.min(widened, this.#ranked); c++) tokens += this.gain[c]!;
    return tokens;
  }

  #rankPadded(): number {
    let longest = 1;
    this.gain.fill(0);
    for (let i = 0; i < this.#requests; i++) {
      const available = this.#available[i]!;
      const survival = this.survival[i]!;
      longest = Math.max(longest, available);
      for (let k = 1; k < available; k++) this.gain[k - 1] = this.gain[k - 1]! + survival[k]!;
    }
    this.#ranked = longest - 1;
    return this.#ranked;
  }

  #rankFlat(): number {
    const keys = this.#keys.fill(-1);
    let count = 0;
    for (let i = 0; i < this.#requests; i++) {
      const survival = this.survival[i]!;
      for (let k = 1; k < this.#available[i]!; k++) {
        keys[count++] = Math.floor(survival[k]! * SURVIVAL_STEPS) * OWNERS + (OWNERS - 1 - i);
      }
    }
    keys.sort();
    this.#taken.fill(0);
    for (let c = 0; c < count; c++) {
      const key = keys[keys.length - 1 - c]!;
      const owner = OWNERS - 1 - (key % OWNERS);
      this.#owner[c] = owner;
      // S never rises along a draft: the next one of its owner is the one that was ranked.
      this.#taken[owner]!++;
      this.gain[c] = this.survival[owner]![this.#taken[owner]!]!;
    }
    this.#ranked = count;
    return count;
  }
}
