import type { Cell, Clock } from "@nearfree/core";
import type { Probe } from "@nearfree/core/measure";
import {
  type CostFunction,
  createSyntheticMachine,
  type SyntheticMachine,
  type SyntheticMachineOptions,
} from "./synthetic-machine.ts";

export interface SyntheticGrid {
  /** A machine of its own for each cell, cold: nothing that one cell warmed is warm in another. */
  readonly makeProbe: (cell: Cell) => Probe;
  /** The clock of the machine made last. */
  readonly clock: Clock;
  /** Cells in the order in which their machines were made. */
  readonly made: readonly Cell[];
}

/** Machines whose cost is `costOf(cell)`. */
export function createSyntheticGrid(
  costOf: (cell: Cell) => CostFunction,
  { noise, seed }: { readonly noise: NonNullable<SyntheticMachineOptions["noise"]>; readonly seed: number },
): SyntheticGrid {
  const made: Cell[] = [];
  let machine: SyntheticMachine | undefined;
  return {
    made,
    clock: () => machine?.clock() ?? 0,
    makeProbe(cell) {
      made.push(cell);
      machine = createSyntheticMachine({ cost: costOf(cell), noise, seed: 1000 * seed + made.length });
      return machine.probe;
    },
  };
}

/** What `cost` allows beyond one position grows by `slope` for each doubling of context or batch, from 128 and 1 on. */
export function drifting(cost: CostFunction, slope: number): (cell: Cell) => CostFunction {
  return ({ contextLength, batch }) => {
    const stretch = 1 + slope * (Math.log2(contextLength / 128) + Math.log2(batch));
    return (n) => 1 + (cost(n) - 1) * stretch;
  };
}
