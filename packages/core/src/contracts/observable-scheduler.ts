import type { Plan } from "./plan.ts";
import type { Outcome, Scheduler } from "./scheduler.ts";

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

/** A scheduler that tells what it does. Costs one comparison a step while nobody listens. */
export interface ObservableScheduler extends Scheduler {
  /** Calls `listener` after each `observe()`, until the function that it returns is called. What a listener throws, `observe()` throws. */
  subscribe(listener: SchedulerListener): () => void;
}
