import type { Cell } from "./environment.ts";
import type { Profile } from "./profile.ts";

/** Progress of a calibration, in order. Every consumer handles `done` and may ignore the rest. */
export type CalibrationEvent =
  | { readonly type: "warming"; readonly cell: Cell; readonly positions: number }
  | { readonly type: "qualified"; readonly cell: Cell; readonly baseMs: number; readonly smallestRatio: number }
  | {
      readonly type: "sampled";
      readonly cell: Cell;
      readonly positions: number;
      readonly ratio: number;
      readonly samples: number;
      readonly forwards: number;
      readonly forwardLimit: number;
    }
  | { readonly type: "done"; readonly cell: Cell; readonly profile: Profile };
