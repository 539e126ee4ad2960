import { type Cell, type Measurement, NearfreeError } from "@nearfree/core";
import type { Probe } from "@nearfree/core/measure";
import { calibrate } from "../calibrate.ts";
import { type CalibrateOptions, invalidOption } from "../options.ts";
import { gridOrder, neighboursOf } from "./grid-order.ts";

/** A cell and what was measured of it. */
export interface CellMeasurement {
  readonly cell: Cell;
  readonly measurement: Measurement;
}

export interface CalibrateGridOptions extends Omit<CalibrateOptions, "cell" | "neighbours" | "resume"> {
  /** Positions in the KV cache, and sequences, of the cells: every context with every batch. */
  readonly contexts: readonly number[];
  readonly batches: readonly number[];
  /** What is known already: whole cells are skipped, those cut short are gone on with, and all serve as neighbours. */
  readonly measured?: readonly CellMeasurement[];
}

/** One probe for each cell; those made before are not used any more. */
export type MakeProbe = (cell: Cell) => Probe | Promise<Probe>;

/**
 * Measures the cells of a context x batch grid, corners first, and yields each as it is done. All but the first start from their
 * neighbours (see `CalibrateOptions.neighbours`), so that nine cells cost little more than three alone. The budget is that of a cell.
 *
 * An abort ends the grid: what was measured of the cell in hand is yielded with the stop `aborted`, and cells that were yielded
 * before stand.
 *
 * @throws NearfreeError `invalid-argument` for an empty or impossible grid, or an option out of range; `aborted` when the signal
 *   fires before anything was measured. What the probes throw passes through.
 */
export async function* calibrateGrid(
  makeProbe: MakeProbe,
  { contexts, batches, measured = [], ...options }: CalibrateGridOptions,
): AsyncGenerator<CellMeasurement, void, void> {
  requireGrid(contexts, batches);
  const known = [...measured];
  let yielded = 0;
  for (const cell of gridOrder(contexts, batches)) {
    const before = known.find((each) => isSame(each.cell, cell))?.measurement;
    if (before !== undefined && !isPartial(before)) continue;
    const finished = known.filter((each) => !isSame(each.cell, cell) && !isPartial(each.measurement));
    const near = neighboursOf(cell, finished, (each) => each.cell);
    const neighbours = near.map((each) => each.measurement);
    const resume = before && { resume: before };
    let measurement: Measurement;
    try {
      measurement = await calibrate(await makeProbe(cell), { ...options, cell, neighbours, ...resume });
    } catch (error) {
      // Nothing of this cell, but others were yielded: an end like any other abort's.
      if (yielded > 0 && error instanceof NearfreeError && error.code === "aborted") return;
      throw error;
    }
    known.push({ cell, measurement });
    yielded++;
    yield { cell, measurement };
    if (options.signal?.aborted === true) return;
  }
}

/** Cut short, or hidden by noise that may be gone by now. */
function isPartial({ run }: Measurement): boolean {
  return run.stop === "aborted" || run.stop === "unresolvable";
}

function isSame(a: Cell, b: Cell): boolean {
  return a.contextLength === b.contextLength && a.batch === b.batch;
}

/** @internal @throws NearfreeError `invalid-argument` */
export function requireGrid(contexts: readonly number[], batches: readonly number[]): void {
  requireIntegers("contexts", contexts, 0);
  requireIntegers("batches", batches, 1);
}

function requireIntegers(option: string, values: readonly number[], least: number): void {
  const wrong = values.find((value) => !(Number.isSafeInteger(value) && value >= least));
  if (values.length > 0 && wrong === undefined) return;
  throw invalidOption(option, `integers of at least ${least}`, wrong ?? "none");
}
