import { calibrate, calibrateGrid } from "@nearfree/calibrate";
import type { Cell, Clock, Measurement } from "@nearfree/core";
import type { Probe } from "@nearfree/core/measure";

/** Three contexts and three batches: what a server would measure. */
export const GRID = { contexts: [128, 480, 960], batches: [1, 2, 4] } as const;

export interface GridOptions {
  readonly clock: Clock;
  readonly epsilon: number;
  readonly seed: number;
  readonly limitMs: number;
}

export interface GridReport {
  /** Forwards of the grid over those of its cells, each measured alone. */
  readonly cost: number;
  readonly forwards: number;
  readonly aloneForwards: number;
  /** Boundaries in the order of the grid, and of the same cells measured alone. */
  readonly cells: readonly { readonly cell: Cell; readonly boundary: number; readonly alone: number }[];
}

/**
 * Measures a 3 x 3 grid as one, and each cell alone right after it was measured there, so that both see the same machine.
 * Undefined where `limitMs` has passed before the last cell: part of a grid costs another share.
 */
export async function benchGrid(
  makeProbe: (cell: Cell) => Promise<Probe>,
  { clock, epsilon, seed, limitMs }: GridOptions,
): Promise<GridReport | undefined> {
  const boundaryOf = ({ boundaries }: Measurement) => boundaries.find((each) => each.epsilon === epsilon)!.prefixFree;
  const cells: { cell: Cell; boundary: number; alone: number }[] = [];
  const end = clock() + limitMs;
  let [forwards, aloneForwards] = [0, 0];
  for await (const { cell, measurement } of calibrateGrid(makeProbe, { ...GRID, clock, epsilon, seed })) {
    if (clock() > end) return undefined;
    const alone = await calibrate(await makeProbe(cell), { clock, cell, epsilon, seed });
    forwards += measurement.run.forwards;
    aloneForwards += alone.run.forwards;
    cells.push({ cell, boundary: boundaryOf(measurement), alone: boundaryOf(alone) });
  }
  return { cost: forwards / aloneForwards, forwards, aloneForwards, cells };
}
