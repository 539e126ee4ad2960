import { median } from "@nearfree/calibrate";
import type { Clock } from "@nearfree/core";
import type { Probe } from "@nearfree/core/measure";

/** The n that a plain sweep visits: both sides of the edges that kernels are likely to have, the same as calibration's own. */
export const LIKELY_EDGES = [2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 16, 17, 24, 25, 32, 33, 48, 49, 64];
/** Untimed forwards of each n before it counts. */
const WARM_FORWARDS = 2;

/** What an arm found, and what it cost. */
export interface ArmResult {
  readonly boundary: number;
  readonly forwards: number;
}

export interface RivalOptions {
  readonly clock: Clock;
  readonly epsilon: number;
  readonly maxPositions: number;
  /** Forwards whose median stands for T(n). */
  readonly samples: number;
}

/**
 * A plain sweep, as most auto-tuners do it: T(n) is the median of a few forwards in a row, n ascending over the grid. The
 * boundary lies below the first n above the threshold, found by bisection inside that step of the grid. What lies above
 * cannot change the answer and is not run.
 */
export async function plainSweep(probe: Probe, options: RivalOptions): Promise<ArmResult> {
  const machine = createPlainMachine(probe, options);
  let free = 1;
  for (const n of LIKELY_EDGES.filter((edge) => edge <= options.maxPositions)) {
    if (!(await machine.isFree(n))) return machine.bisect(free, n);
    free = n;
  }
  return { boundary: free, forwards: machine.forwards() };
}

/** Bisection between 1 and the widest forward, trusting the curve to rise. */
export async function plainBisection(probe: Probe, options: RivalOptions): Promise<ArmResult> {
  const machine = createPlainMachine(probe, options);
  const { maxPositions } = options;
  if (await machine.isFree(maxPositions)) return { boundary: maxPositions, forwards: machine.forwards() };
  return machine.bisect(1, maxPositions);
}

function createPlainMachine(probe: Probe, { clock, epsilon, samples }: RivalOptions) {
  let forwards = 0;
  let baseMs: number | undefined;
  const medianMs = async (n: number) => {
    const times: number[] = [];
    for (let i = -WARM_FORWARDS; i < samples; i++) {
      await probe.prepare(n);
      const began = clock();
      await probe.run(n);
      if (i >= 0) times.push(clock() - began);
      forwards++;
    }
    return median(times);
  };
  const isFree = async (n: number) => {
    baseMs ??= await medianMs(1);
    return (await medianMs(n)) <= (1 + epsilon) * baseMs;
  };
  return {
    forwards: () => forwards,
    isFree,
    /** `free` is free, `above` is not. */
    async bisect(free: number, above: number): Promise<ArmResult> {
      while (above - free > 1) {
        const middle = Math.floor((free + above) / 2);
        if (await isFree(middle)) free = middle;
        else above = middle;
      }
      return { boundary: free, forwards };
    },
  };
}
