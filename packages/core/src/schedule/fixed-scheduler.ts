import type { ObservableScheduler, SchedulerListener } from "../contracts/observable-scheduler.ts";
import type { Plan, PlanReason } from "../contracts/plan.ts";
import type { Outcome, PlanRequest } from "../contracts/scheduler.ts";
import { checkRequest } from "./check-request.ts";
import { StepFeed } from "./step-feed.ts";

/** The same positions at every step, measured or not, and no other rows than positions. */
export class FixedScheduler implements ObservableScheduler {
  readonly consistency = "tolerant";
  readonly minRows = 1;
  readonly maxPositions: number;
  readonly maxRows: number;
  readonly #reason: PlanReason;
  readonly #plan: Plan;
  readonly #feed = new StepFeed();
  #drafted = 0;

  constructor(positions: number, reason: PlanReason | undefined) {
    this.maxPositions = this.maxRows = positions;
    this.#reason = reason ?? "fixed";
    this.#plan = { positions: 1, rows: 1, expectedMs: Number.NaN, expectedTokens: 1, reason: this.#reason };
  }

  draftLimit(): number {
    return this.maxPositions - 1;
  }

  plan(request: PlanRequest): Plan {
    checkRequest(request, this.minRows);
    const plan = this.#plan;
    this.#drafted = request.drafted;
    const limit = Math.min(request.positionLimit, request.rowLimit);
    const positions = Math.min(this.maxPositions, 1 + request.drafted, limit);
    plan.positions = plan.rows = positions;
    plan.reason = positions === this.maxPositions ? this.#reason : positions === limit ? "limit" : "draft-too-short";
    let product = 1;
    plan.expectedTokens = 1;
    for (let k = 0; k < positions - 1; k++) {
      product *= request.confidence[k]!;
      plan.expectedTokens += product;
    }
    return plan;
  }

  /** Nothing it could learn would change what it does. */
  observe(outcome: Outcome): void {
    if (this.#feed.listening) this.#feed.step(this.#plan, outcome, this.#drafted, Number.NaN, false);
  }

  subscribe(listener: SchedulerListener): () => void {
    return this.#feed.subscribe(listener);
  }
}
