import { NearfreeError } from "../contracts/errors.ts";
import { type CellCurve, differ, STAIR_STEP, spread } from "./cell-curve.ts";
import { listProfiles } from "./list-profiles.ts";
import type { Profile } from "./profile.ts";

export interface CostCurveOptions {
  /** Most rows of the curve; never more than were measured. */
  readonly maxPositions?: number;
  /** Row counts that a forward may have (one invariance class), sorted. Default: any that was measured. */
  readonly rows?: readonly number[] | undefined;
}

export const DEFAULT_MAX_POSITIONS = 32;

/** Context may move this far before the curve is interpolated again. */
const CONTEXT_STEP = 32;

/** What a forward costs at the context that the curve was last moved to. The arrays belong to it and change in place. */
export interface CostCurve {
  /** Most positions of a plan: entries of every array but `costMs`. */
  readonly maxPositions: number;
  /** costMs[n-1]: ms of a forward of exactly n rows, up to the most rows of a plan (>= maxPositions). Not monotone where the machine is not. */
  readonly costMs: Float64Array;
  /** paddedRows[n-1]: rows to run for n positions, >= n. */
  readonly paddedRows: Int32Array;
  /** smallestRows[n-1]: fewest rows that may be run for n positions. Does not depend on the context. */
  readonly smallestRows: Int32Array;
  /** paddedMs[n-1] = costMs[paddedRows[n-1] - 1]. */
  readonly paddedMs: Float64Array;
  /** rightEdge[n-1] = 1 where n is the last of its stair. */
  readonly rightEdge: Uint8Array;
  /** Largest N such that every n <= N costs at most (1 + epsilon) times one position; the smaller one between two cells. */
  prefixFree(epsilon: number): number;
  /** Moves the curve to a context of `contextLength` positions. */
  moveTo(contextLength: number): void;
  /** Whether the cost of `rows` rows was measured. Absent where all rows of `paddedRows` were. */
  knows?(rows: number): boolean;
  /** A forward of `rows` rows took `ratio` times costMs[0]. Present where costs are learned on the way. */
  learn?(rows: number, ratio: number): void;
}

/**
 * The cost curve of one profile, or of several that differ in context length only.
 *
 * Between two measured n the cost is a straight line in n: passes over rows add up, so a line is exact inside a tile and
 * never more than one tile off. Beyond the last measured n there is no curve: a flat guess would look free.
 * Between two contexts the cost is a straight line in the context length; outside of them, the nearest cell. Where a stair begins
 * at another n in one cell than in the other, no line leads from one to the other: kernels change at a context that nobody
 * knows, so the dearer ratio holds all the way. Padding to cheaper rows must pay in both cells.
 *
 * @throws NearfreeError `invalid-argument` for no profile, profiles of different models, or a batch other than 1.
 */
export function createCostCurve(profiles: Profile | readonly Profile[], options: CostCurveOptions = {}): CostCurve {
  const list = asProfiles(profiles);
  const measured = Math.min(...list.map((profile) => profile.points.at(-1)?.positions ?? 1));
  const rows = (options.rows ?? measuredRows(list)).filter((n) => n <= measured);
  if (rows.length === 0) rows.push(1);
  const size = Math.min(options.maxPositions ?? DEFAULT_MAX_POSITIONS, rows.at(-1)!);
  // Rows may exceed the most positions: a class whose smallest forward has 2 rows serves one position.
  const span = rows.find((n) => n >= size)!;
  const cells = list.map((profile) => spread(profile, span)).sort((a, b) => a.contextLength - b.contextLength);
  return new InterpolatedCurve(cells, size, span, rows);
}

class InterpolatedCurve implements CostCurve {
  readonly maxPositions: number;
  readonly costMs: Float64Array;
  readonly paddedRows: Int32Array;
  readonly smallestRows: Int32Array;
  readonly paddedMs: Float64Array;
  readonly rightEdge: Uint8Array;
  readonly #cells: readonly CellCurve[];
  // [n-1]: 1 where a forward may be padded to n rows
  readonly #padTarget: Uint8Array;
  // [n-1]: 1 where a forward may have n rows
  readonly #allowed: Uint8Array;
  #contextLength = Number.NaN;
  #lower: CellCurve;
  #upper: CellCurve;

  constructor(cells: readonly CellCurve[], size: number, span: number, rows: readonly number[]) {
    this.maxPositions = size;
    this.#cells = cells;
    this.#lower = this.#upper = cells[0]!;
    this.costMs = new Float64Array(span);
    this.paddedRows = new Int32Array(size);
    this.smallestRows = new Int32Array(size);
    this.paddedMs = new Float64Array(size);
    this.rightEdge = new Uint8Array(size);
    this.#allowed = new Uint8Array(span);
    for (const n of rows) if (n <= span) this.#allowed[n - 1] = 1;
    this.#padTarget = this.#allowed.map((yes, i) => yes & Number(cells.every((cell) => cell.measured[i] === 1)));
    this.moveTo(cells[0]!.contextLength);
  }

  moveTo(contextLength: number): void {
    if (Math.abs(contextLength - this.#contextLength) < CONTEXT_STEP) return;
    if (this.#cells.length === 1 && !Number.isNaN(this.#contextLength)) return;
    this.#contextLength = contextLength;
    let upper = 0;
    while (upper < this.#cells.length - 1 && this.#cells[upper]!.contextLength < contextLength) upper++;
    const b = this.#cells[upper]!;
    const a = upper > 0 && b.contextLength > contextLength ? this.#cells[upper - 1]! : b;
    this.#lower = a;
    this.#upper = b;
    const weight = a === b ? 0 : (contextLength - a.contextLength) / (b.contextLength - a.contextLength);
    const oneMs = between(a.costMs[0]!, b.costMs[0]!, weight);
    for (let i = 0; i < this.costMs.length; i++) {
      const [x, y] = [a.costMs[i]! / a.costMs[0]!, b.costMs[i]! / b.costMs[0]!];
      this.costMs[i] = differ(a, b, i) ? oneMs * Math.max(x, y) : between(a.costMs[i]!, b.costMs[i]!, weight);
    }
    this.#pad();
    this.#markEdges();
  }

  prefixFree(epsilon: number): number {
    const below = this.#prefixFreeOf(this.#lower, epsilon);
    return this.#lower === this.#upper ? below : Math.min(below, this.#prefixFreeOf(this.#upper, epsilon));
  }

  /** An n that was not measured counts as the next measured one, to which it can always be padded. */
  #prefixFreeOf(cell: CellCurve, epsilon: number): number {
    const bound = cell.costMs[this.paddedRows[0]! - 1]! * (1 + epsilon);
    let last = 1;
    for (let n = 2; n <= this.maxPositions; n++) {
      const rows = this.paddedRows[n - 1]!;
      if (cell.costMs[rows - 1]! > bound) break;
      if (cell.measured[rows - 1] === 1) last = n;
    }
    return last;
  }

  /** From the top down: the smallest allowed row count >= n, or a larger one that is cheaper beyond the measurement's doubt. */
  #pad(): void {
    let smallest = -1;
    let cheapest = -1;
    for (let i = this.costMs.length - 1; i >= 0; i--) {
      if (this.#allowed[i] === 1) {
        if (this.#padTarget[i] === 1 && (cheapest < 0 || this.costMs[i]! <= this.costMs[cheapest]!)) cheapest = i;
        smallest = i;
      }
      if (i >= this.maxPositions) continue;
      const pays = cheapest > smallest && this.#pays(cheapest, smallest);
      const rows = (pays ? cheapest : smallest) + 1;
      this.paddedRows[i] = rows;
      this.smallestRows[i] = smallest + 1;
      this.paddedMs[i] = this.costMs[rows - 1]!;
    }
  }

  #pays(padded: number, plain: number): boolean {
    return (
      this.#lower.highMs[padded]! < this.#lower.lowMs[plain]! && this.#upper.highMs[padded]! < this.#upper.lowMs[plain]!
    );
  }

  #markEdges(): void {
    this.rightEdge.fill(0);
    let start = this.paddedMs[0]!;
    for (let i = 1; i < this.maxPositions; i++) {
      const ms = this.paddedMs[i]!;
      if (Math.abs(ms - start) <= start * STAIR_STEP) continue;
      // A fall starts a stair too, but nobody stops at the last n before one.
      if (ms > start) this.rightEdge[i - 1] = 1;
      start = ms;
    }
    this.rightEdge[this.maxPositions - 1] = 1;
  }
}

/** Row counts that some profile measured: what nobody ever ran may have kernels of its own, still to be compiled. */
function measuredRows(profiles: readonly Profile[]): readonly number[] {
  const rows = new Set(profiles.flatMap(({ points }) => points.map(({ positions }) => positions)));
  return [...rows].sort((a, b) => a - b);
}

function between(a: number, b: number, weight: number): number {
  return a + weight * (b - a);
}

function asProfiles(profiles: Profile | readonly Profile[]): readonly Profile[] {
  const list = listProfiles(profiles);
  const first = list[0];
  const fail = (expected: string, received: string): never => {
    throw new NearfreeError({
      code: "invalid-argument",
      from: "core",
      what: "profiles",
      expected,
      received,
      remedy: "pass the profiles of one model, one per context length",
    });
  };
  if (first === undefined) return fail("at least one profile", "none");
  for (const { key } of list) {
    if (key.model !== first.key.model) fail("profiles of one model", `models ${first.key.model} and ${key.model}`);
    if (key.cell.batch !== 1) fail("batch 1", `batch ${key.cell.batch}`);
  }
  return list;
}
