import type { SchedulerEvent, SchedulerListener } from "../contracts/observable-scheduler.ts";
import type { Plan } from "../contracts/plan.ts";
import type { Outcome } from "../contracts/scheduler.ts";

type Reused<Type extends SchedulerEvent["type"]> = {
  -readonly [K in keyof Extract<SchedulerEvent, { type: Type }>]: Extract<SchedulerEvent, { type: Type }>[K];
};

/** Tells listeners what a scheduler did, in events that are made once. */
export class StepFeed {
  /** Whether anybody listens: the one thing to look at on the way. */
  listening = false;
  #listeners: readonly SchedulerListener[] = [];
  #step: Reused<"step"> | undefined;
  readonly #drift: Reused<"drift"> = { type: "drift", stale: false };

  subscribe(listener: SchedulerListener): () => void {
    // A function of its own for each subscription: the same listener may subscribe twice, and leave in any order.
    const own: SchedulerListener = (event) => listener(event);
    this.#listeners = [...this.#listeners, own];
    this.listening = true;
    return () => {
      this.#listeners = this.#listeners.filter((each) => each !== own);
      this.listening = this.#listeners.length > 0;
    };
  }

  /** @param stale whether the profile no longer fits; a change of it is an event of its own, before the step. */
  step(plan: Plan, outcome: Outcome, drafted: number, tokensPerMs: number, stale: boolean): void {
    if (stale !== this.#drift.stale) {
      this.#drift.stale = stale;
      this.#tell(this.#drift);
    }
    this.#step ??= { type: "step", plan, outcome, drafted, tokensPerMs };
    this.#step.plan = plan;
    this.#step.outcome = outcome;
    this.#step.drafted = drafted;
    this.#step.tokensPerMs = tokensPerMs;
    this.#tell(this.#step);
  }

  #tell(event: SchedulerEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}
