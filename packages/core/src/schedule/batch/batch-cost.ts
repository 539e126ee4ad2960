import { NearfreeError } from "../../contracts/errors.ts";
import type { Profile } from "../../profile/profile.ts";
import type { RowsModel } from "./batch.ts";

/** Context may move this far before the costs are interpolated again. */
const CONTEXT_STEP = 32;

/** One profile, spread over every row count. */
interface Cell {
  readonly contextLength: number;
  // [rows-1]: ms
  readonly costMs: Float64Array;
}

/** The cells of one batch size, by context. */
interface Group {
  readonly batch: number;
  readonly cells: readonly Cell[];
}

/**
 * What a forward of several sequences costs, from profiles of one model.
 *
 * `padded`: the profiles are of batched forwards, T_b(n) for b sequences of n rows. Between two measured b the cost is a straight
 * line in b; below the smallest it is that of the smallest, above the largest there is none. `flat`: the profiles have one b,
 * and a forward of b sequences of n rows is one of b * n rows. Between measured rows and contexts: straight lines, as in `CostCurve`.
 */
export class BatchCost {
  /** Entries of `costMs`: nothing was measured beyond. */
  readonly maxRows: number;
  /** costMs[rows-1] of a forward at the batch and context last moved to; rows of each sequence (`padded`), or of all (`flat`). */
  readonly costMs: Float64Array;
  readonly #groups: readonly Group[];
  readonly #flat: boolean;
  readonly #other: Float64Array;
  #batch = 0;
  #contextLength = Number.NaN;

  /** @throws NearfreeError `invalid-argument` for no profile, profiles of different models, or of different batches where rows are flat. */
  constructor(profiles: readonly Profile[], model: RowsModel) {
    check(profiles, model);
    this.#flat = model === "flat";
    const rowsOf = (profile: Profile) => (this.#flat ? profile.key.cell.batch : 1);
    this.maxRows = Math.min(...profiles.map((profile) => rowsOf(profile) * profile.points.at(-1)!.positions));
    const batches = [...new Set(profiles.map(({ key }) => key.cell.batch))].sort((a, b) => a - b);
    this.#groups = batches.map((batch) => ({
      batch,
      cells: profiles
        .filter(({ key }) => key.cell.batch === batch)
        .map((profile) => spread(profile, rowsOf(profile), this.maxRows))
        .sort((a, b) => a.contextLength - b.contextLength),
    }));
    this.costMs = new Float64Array(this.maxRows);
    this.#other = new Float64Array(this.maxRows);
  }

  /** Moves the costs to `batch` sequences of `contextLength` positions. Whether any profile covers them. */
  moveTo(batch: number, contextLength: number): boolean {
    const groups = this.#groups;
    if (this.#flat ? batch > this.maxRows : batch > groups.at(-1)!.batch) return false;
    if (batch === this.#batch && Math.abs(contextLength - this.#contextLength) < CONTEXT_STEP) return true;
    this.#batch = batch;
    this.#contextLength = contextLength;
    let upper = 0;
    while (!this.#flat && groups[upper]!.batch < batch) upper++;
    const b = groups[upper]!;
    fill(b.cells, contextLength, this.costMs);
    if (this.#flat || upper === 0 || b.batch === batch) return true;
    const a = groups[upper - 1]!;
    fill(a.cells, contextLength, this.#other);
    blend(this.#other, this.costMs, (batch - a.batch) / (b.batch - a.batch), this.costMs);
    return true;
  }
}

function fill(cells: readonly Cell[], contextLength: number, out: Float64Array): void {
  let upper = 0;
  while (upper < cells.length - 1 && cells[upper]!.contextLength < contextLength) upper++;
  const b = cells[upper]!;
  const a = upper > 0 && b.contextLength > contextLength ? cells[upper - 1]! : b;
  const weight = a === b ? 0 : (contextLength - a.contextLength) / (b.contextLength - a.contextLength);
  blend(a.costMs, b.costMs, weight, out);
}

function blend(a: Float64Array, b: Float64Array, weight: number, out: Float64Array): void {
  for (let i = 0; i < out.length; i++) out[i] = a[i]! + weight * (b[i]! - a[i]!);
}

/** @param rowsEach rows of the forward for each position of the profile. */
function spread({ key, baseMs, points }: Profile, rowsEach: number, maxRows: number): Cell {
  const costMs = new Float64Array(maxRows);
  let right = 0;
  for (let rows = 1; rows <= maxRows; rows++) {
    while (points[right]!.positions * rowsEach < rows) right++;
    const b = points[right]!;
    const a = points[Math.max(0, right - 1)]!;
    const weight = a === b ? 0 : (rows / rowsEach - a.positions) / (b.positions - a.positions);
    costMs[rows - 1] = baseMs * (a.ratio + weight * (b.ratio - a.ratio));
  }
  return { contextLength: key.cell.contextLength, costMs };
}

function check(profiles: readonly Profile[], model: RowsModel): void {
  const first = profiles[0];
  if (first === undefined) throw unfit("at least one profile", "none");
  for (const { key } of profiles) {
    if (key.model !== first.key.model) {
      throw unfit("profiles of one model", `models ${first.key.model} and ${key.model}`);
    }
    if (model === "flat" && key.cell.batch !== first.key.cell.batch) {
      const received = `batches ${first.key.cell.batch} and ${key.cell.batch}`;
      throw unfit("profiles of one batch where rows are flat", received);
    }
  }
}

function unfit(expected: string, received: string): NearfreeError {
  return new NearfreeError({
    code: "invalid-argument",
    from: "core",
    what: "profiles",
    expected,
    received,
    remedy: "calibrate the model with the batch that the server runs",
  });
}
