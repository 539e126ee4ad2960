import { calibrate } from "@nearfree/calibrate";
import type { Cell, Clock } from "@nearfree/core";
import type { Probe } from "@nearfree/core/measure";

export interface NullReport {
  readonly runs: number;
  /** Steps, inversions and boundaries that a curve without any showed. */
  readonly falseSteps: number;
  /** Of them, boundaries short of the widest forward that the calibration was sure of. */
  readonly falseBoundaries: number;
  /** Boundaries short of it that it was not sure of when the budget was spent: no claim, so no false step. */
  readonly shortOfBudget: number;
  /** Runs that said the machine was too noisy to tell. */
  readonly unresolvable: number;
}

/**
 * Calibrates a machine on which every n costs the same, since it runs one position whatever is asked: the A/A test of the
 * whole method. Fewer runs where `limitMs` has passed.
 */
export async function benchNull(
  probe: Probe,
  options: { clock: Clock; cell: Cell; epsilon: number; runs: number; limitMs: number },
): Promise<NullReport> {
  const { clock, cell, epsilon } = options;
  const end = clock() + options.limitMs;
  const flat: Probe = {
    maxPositions: Math.min(64, probe.maxPositions),
    prepare: () => probe.prepare(1),
    run: () => probe.run(1),
  };
  let [falseSteps, falseBoundaries, shortOfBudget, unresolvable] = [0, 0, 0, 0];
  let runs = 0;
  for (; runs < options.runs && clock() < end; runs++) {
    const {
      boundaries,
      stairs = [],
      inversions = [],
    } = await calibrate(flat, { clock, cell, epsilon, seed: runs + 1 });
    const { level, prefixFree } = boundaries.find((each) => each.epsilon === epsilon)!;
    falseSteps += stairs.filter((stair) => stair.confirmed).length + inversions.length;
    if (level === "unresolvable") unresolvable++;
    else if (prefixFree < flat.maxPositions && level !== "budget") falseBoundaries++;
    else if (prefixFree < flat.maxPositions) shortOfBudget++;
  }
  return { runs, falseSteps: falseSteps + falseBoundaries, falseBoundaries, shortOfBudget, unresolvable };
}
