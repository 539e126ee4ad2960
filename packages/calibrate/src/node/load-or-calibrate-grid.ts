import { type Profile, profileStanding } from "@nearfree/core";
import { requireGrid } from "../measure/grid/calibrate-grid.ts";
import { gridOrder, neighboursOf } from "../measure/grid/grid-order.ts";
import { createCalibrationProbe } from "./calibration-probe.ts";
import { defaultStore } from "./default-store.ts";
import { type LoadedProfile, type LoadOrCalibrateOptions, loadOrCalibrate, profileKey } from "./load-or-calibrate.ts";
import type { OpenModel } from "./open-model.ts";

export interface LoadOrCalibrateGridOptions
  extends Omit<LoadOrCalibrateOptions, "batch" | "contextLength" | "neighbours"> {
  /** Positions in the KV cache of the cells. */
  readonly contexts: readonly number[];
  /** Sequences of the cells. Default one: what `createScheduler` takes, with all contexts together. */
  readonly batches?: readonly number[] | undefined;
}

/**
 * The profiles of a context x batch grid: each from the store, or measured now and stored, as `loadOrCalibrate` does. Corners come
 * first; each cell that is measured starts from the neighbours that are known. Every cell is yielded once, as soon as it is there.
 *
 * @throws NearfreeError as `loadOrCalibrate` does; what the model cannot do in any cell is refused before anything is measured. An
 *   abort leaves the finished cells in the store, and what there is of the one in hand.
 */
export async function* loadOrCalibrateGrid(
  model: OpenModel,
  { contexts, batches = [1], ...options }: LoadOrCalibrateGridOptions,
): AsyncGenerator<LoadedProfile, void, void> {
  requireGrid(contexts, batches);
  const store = options.store ?? defaultStore({ onWarning: options.onWarning });
  const cells = gridOrder(contexts, batches);
  const known: Profile[] = [];
  for (const cell of cells) {
    await (await createCalibrationProbe(model, cell)).release();
    const stored = options.fresh ? undefined : await store.get(profileKey(model, cell.contextLength, cell.batch));
    if (stored !== undefined && profileStanding(stored) === "whole") known.push(stored);
  }
  for (const cell of cells) {
    const neighbours = neighboursOf(cell, known, ({ key }) => key.cell);
    const loaded = await loadOrCalibrate(model, { ...options, ...cell, store, neighbours });
    if (profileStanding(loaded.profile) === "whole") known.push(loaded.profile);
    yield loaded;
  }
}
