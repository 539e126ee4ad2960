import type { Plan, PlanReason } from "./plan.ts";
import type { PlanRequest, Scheduler } from "./scheduler.ts";

/** The same positions at every step, measured or not, and no other rows than positions. */
export class FixedScheduler implements Scheduler {
  readonly consistency = "tolerant";
  readonly minRows = 1;
  readonly maxPositions: number;
  readonly maxRows: number;
  readonly #reason: PlanReason;
  readonly #plan: Plan;

  constructor(positions: number, reason: PlanReason | undefined) {
    this.maxPositions = this.maxRows = positions;
    this.#reason = reason ?? "fixed";
    this.#plan = { positions: 1, rows: 1, expectedMs: Number.NaN, expectedTokens: 1, reason: this.#reason };
  }

  draftLimit(): number {
    return this.maxPositions - 1;
  }

  plan(request: PlanRequest): Plan {
    const plan = this.#plan;
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

  observe(): void {
    // Nothing it could learn would change what it does.
  }
}
