import type { ObservableScheduler, SchedulerEvent } from "../contracts/observable-scheduler.ts";
import type { PlanReason } from "../contracts/plan.ts";

/** What a scheduler has done since it was counted. Plain data, of the caller's own. */
export interface SchedulerSnapshot {
  readonly forwards: number;
  /** Tokens emitted, and those per forward; NaN before the first. */
  readonly tokens: number;
  readonly tokensPerForward: number;
  /** proposed[k]: forwards that verified draft token k. accepted[k]: those in which it stood. */
  readonly proposed: readonly number[];
  readonly accepted: readonly number[];
  /** positions[n-1]: forwards of n positions. */
  readonly positions: readonly number[];
  /** Rows beyond the positions: padding. */
  readonly paddedRows: number;
  /** Forwards by the reason of their plan. */
  readonly reasons: Readonly<Partial<Record<PlanReason, number>>>;
  /** Over the forwards that were measured and had an expectation: ms expected, and ms that they took. */
  readonly expectedMs: number;
  readonly actualMs: number;
  /** Mean of |log(actual / expected)| over the same: 0.05 is 5% off either way. NaN without any. */
  readonly costError: number;
  /** ms of all forwards, and of all drafts. */
  readonly forwardMs: number;
  readonly draftMs: number;
  /** Tokens per ms at the last step: the price of a ms. NaN where the scheduler keeps none. */
  readonly tokensPerMs: number;
  /** Whether the profile fits at present, and how often that has changed. */
  readonly stale: boolean;
  readonly drifts: number;
}

export interface SchedulerCounters {
  snapshot(): SchedulerSnapshot;
  /** Stops counting. What was counted stays. */
  stop(): void;
}

/** Counts what `scheduler` does from now on. Allocates nothing while it counts. */
export function countSteps(scheduler: ObservableScheduler): SchedulerCounters {
  const counts = new Counts(scheduler.maxPositions);
  const stop = scheduler.subscribe((event) => counts.add(event));
  return { snapshot: () => counts.snapshot(), stop };
}

class Counts {
  // [k]: draft token k; [n-1]: forwards of n positions
  readonly #proposed: Float64Array;
  readonly #accepted: Float64Array;
  readonly #positions: Float64Array;
  readonly #reasons = new Map<PlanReason, number>();
  #forwards = 0;
  #tokens = 0;
  #paddedRows = 0;
  #compared = 0;
  #expectedMs = 0;
  #actualMs = 0;
  #logError = 0;
  #forwardMs = 0;
  #draftMs = 0;
  #tokensPerMs = Number.NaN;
  #stale = false;
  #drifts = 0;

  constructor(maxPositions: number) {
    this.#proposed = new Float64Array(maxPositions - 1);
    this.#accepted = new Float64Array(maxPositions - 1);
    this.#positions = new Float64Array(maxPositions);
  }

  add(event: SchedulerEvent): void {
    if (event.type === "drift") {
      this.#stale = event.stale;
      this.#drifts++;
      return;
    }
    const { plan, outcome } = event;
    this.#forwards++;
    this.#tokens += outcome.emitted;
    this.#positions[plan.positions - 1]!++;
    this.#paddedRows += plan.rows - plan.positions;
    this.#reasons.set(plan.reason, (this.#reasons.get(plan.reason) ?? 0) + 1);
    for (let k = 0; k < plan.positions - 1; k++) this.#proposed[k]!++;
    for (let k = 0; k < outcome.emitted - 1; k++) this.#accepted[k]!++;
    this.#forwardMs += outcome.forwardMs;
    this.#draftMs += outcome.draftMs;
    this.#tokensPerMs = event.tokensPerMs;
    if (plan.expectedMs > 0 && outcome.forwardMs > 0) this.#compare(plan.expectedMs, outcome.forwardMs);
  }

  #compare(expectedMs: number, actualMs: number): void {
    this.#compared++;
    this.#expectedMs += expectedMs;
    this.#actualMs += actualMs;
    this.#logError += Math.abs(Math.log(actualMs / expectedMs));
  }

  snapshot(): SchedulerSnapshot {
    return {
      forwards: this.#forwards,
      tokens: this.#tokens,
      tokensPerForward: this.#tokens / this.#forwards,
      proposed: [...this.#proposed],
      accepted: [...this.#accepted],
      positions: [...this.#positions],
      paddedRows: this.#paddedRows,
      reasons: Object.fromEntries(this.#reasons),
      expectedMs: this.#expectedMs,
      actualMs: this.#actualMs,
      costError: this.#logError / this.#compared,
      forwardMs: this.#forwardMs,
      draftMs: this.#draftMs,
      tokensPerMs: this.#tokensPerMs,
      stale: this.#stale,
      drifts: this.#drifts,
    };
  }
}
