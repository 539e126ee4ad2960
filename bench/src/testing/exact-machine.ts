import type { Clock } from "@nearfree/core";
import type { Probe } from "@nearfree/core/measure";

/** A machine whose forward of n positions takes cost(n) ms, on a clock of its own; `disturb` multiplies each forward. */
export function createExactMachine(
  cost: (n: number) => number,
  { maxPositions = 64, disturb = () => 1 }: { maxPositions?: number; disturb?: () => number } = {},
): { probe: Probe; clock: Clock } {
  let now = 0;
  return {
    // Reading a clock takes time, as on a real machine: a grain can be seen.
    clock: () => {
      now += 1e-5;
      return now;
    },
    probe: {
      maxPositions,
      prepare: () => {},
      run: async (n) => {
        now += cost(n) * disturb();
      },
    },
  };
}
