import type { Cell } from "./environment.ts";
import type { Plan } from "./plan.ts";
import type { Level, Measurement } from "./profile.ts";
import type { Outcome } from "./scheduler.ts";

/** Progress of a calibration, in order. Every consumer handles `done` and may ignore the rest. */
export type CalibrationEvent =
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

/** What a scheduler did, told after each `observe()`. Events and what they hold are reused: read them before returning. */
export type SchedulerEvent =
  /** One forward was planned, and this became of it. */
  | {
      readonly type: "step";
      readonly plan: Readonly<Plan>;
      readonly outcome: Readonly<Outcome>;
      /** Draft tokens that were at hand. */
      readonly drafted: number;
      /** lambda: the tokens per ms that the loop makes lately. NaN where the scheduler keeps none. */
      readonly tokensPerMs: number;
    }
  /** Costs have shifted for good, or are again as profiled. */
  | { readonly type: "drift"; readonly stale: boolean };

/** Who is told. */
export type SchedulerListener = (event: SchedulerEvent) => void;
