import { calibrate } from "@nearfree/calibrate";
import type { Cell, Clock, Level } from "@nearfree/core";
import type { Probe } from "@nearfree/core/measure";
import { type ArmResult, plainBisection, plainSweep } from "./plain-rivals.ts";

/** The ways of finding a boundary that are compared. */
export const ARMS = ["nearfree", "sweep5", "sweep15", "bisect3"] as const;
export type ArmName = (typeof ARMS)[number];

/** What every arm found, one result for each round. */
export type Found = Readonly<Record<ArmName, ArmResult[]>>;

export interface Arms {
  readonly found: Found;
  /** What only a calibration says, one of each for each round. */
  readonly notes: { readonly levels: Level[]; readonly ms: number[]; readonly baseMs: number[] };
  /** Runs one arm and notes what it found. */
  run(arm: ArmName, round: number): Promise<void>;
}

export interface ArmOptions {
  readonly cell: Cell;
  readonly clock: Clock;
  readonly epsilon: number;
  readonly maxPositions: number;
}

/** Calibration with its default options, fresh each time, and plainer methods on the same probe. */
export function createArms(probe: Probe, options: ArmOptions): Arms {
  const { clock, cell, epsilon } = options;
  const found: Found = { nearfree: [], sweep5: [], sweep15: [], bisect3: [] };
  const notes: Arms["notes"] = { levels: [], ms: [], baseMs: [] };
  const find: Record<ArmName, (round: number) => Promise<ArmResult>> = {
    nearfree: async (round) => {
      const { boundaries, baseMs, run } = await calibrate(probe, { clock, cell, epsilon, seed: round + 1 });
      const boundary = boundaries.find((each) => each.epsilon === epsilon)!;
      notes.levels.push(boundary.level);
      notes.ms.push(run.ms);
      notes.baseMs.push(baseMs);
      return { boundary: boundary.prefixFree, forwards: run.forwards };
    },
    sweep5: () => plainSweep(probe, { ...options, samples: 5 }),
    sweep15: () => plainSweep(probe, { ...options, samples: 15 }),
    bisect3: () => plainBisection(probe, { ...options, samples: 3 }),
  };
  return {
    found,
    notes,
    async run(arm, round) {
      found[arm].push(await find[arm](round));
    },
  };
}
