import type { Cell } from "../contracts/environment.ts";
import type { Level, Measurement } from "./profile.ts";

/** Progress of a calibration, in order. Every consumer handles `done` and may ignore the rest. */
export type CalibrationEvent =
  /** Another process measures on this machine: its profile, or its end, is waited for. */
  | { readonly type: "waiting"; readonly cell: Cell }
  /** A new number of positions is run until its time settles. */
  | { readonly type: "warming"; readonly cell: Cell; readonly positions: number }
  /** The clock and the noise were examined: ratios closer to 1 than `smallestRatio` cannot be told apart here. */
  | {
      readonly type: "qualified";
      readonly cell: Cell;
      readonly baseMs: number;
      readonly smallestRatio: number;
      /** Forwards timed together as one sample, so that the clock's grain does not show. */
      readonly forwardsPerSample: number;
    }
  /** One number of positions got another sample. */
  | {
      readonly type: "sampled";
      readonly cell: Cell;
      readonly positions: number;
      readonly ratio: number;
      readonly samples: number;
      readonly level: Level;
      readonly forwards: number;
      readonly forwardLimit: number;
    }
  | { readonly type: "done"; readonly cell: Cell; readonly measurement: Measurement };
