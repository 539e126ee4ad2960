import { CostCorrection } from "./cost.ts";
import type { CostCurve } from "./curve.ts";
import { DraftGate } from "./draft-gate.ts";
import { Guard } from "./guard.ts";
import type { Plan, PlanReason } from "./plan.ts";
import type { Policy, Situation } from "./policy/policy.ts";
import type { Outcome, PlanRequest, Scheduler } from "./scheduler.ts";
import { Survival } from "./survival.ts";

/** Share of the past that one step forgets in tokens per ms. */
const RATE_FORGET = 0.005;
/** Steps of one position that tokens per ms start from. */
const RATE_PRIOR_STEPS = 4;
/** Weight of one step in the time that a step takes beside its forward. */
const REST_WEIGHT = 0.05;

/** Chooses by policy over a cost curve, corrected by what is observed. */
export class CurveScheduler implements Scheduler {
  readonly consistency: "bitwise" | "tolerant";
  readonly maxPositions: number;
  readonly minRows: number;
  readonly maxRows: number;
  readonly #policy: Policy;
  readonly #curve: CostCurve;
  readonly #cost = new CostCorrection();
  readonly #survival = new Survival();
  readonly #gate = new DraftGate();
  readonly #guard: Guard | undefined;
  readonly #situation: { -readonly [K in keyof Situation]: Situation[K] };
  readonly #plan: Plan = { positions: 1, rows: 1, expectedMs: Number.NaN, expectedTokens: 1, reason: "limit" };
  #clipped = false;
  #wanted = 1;
  #gain = 0;
  // Tokens, and ms on the profile's scale, with forgetting: lambda is their quotient.
  #tokens = RATE_PRIOR_STEPS;
  #ms: number;
  #restMs = 0;

  constructor(policy: Policy, curve: CostCurve, consistency: "bitwise" | "tolerant") {
    this.#policy = policy;
    this.#curve = curve;
    this.consistency = consistency;
    this.minRows = curve.smallestRows[0]!;
    this.maxRows = curve.costMs.length;
    this.maxPositions = Math.min(curve.maxPositions, policy.most?.(curve) ?? curve.maxPositions);
    if (policy.reason === "best-value" && this.maxPositions > 1) this.#guard = new Guard(this.maxPositions);
    this.#ms = RATE_PRIOR_STEPS * curve.paddedMs[0]!;
    this.#situation = {
      curve,
      priceMs: new Float64Array(curve.maxPositions),
      survival: new Float64Array(curve.maxPositions),
      available: 1,
      tokensPerMs: this.#tokens / this.#ms,
    };
  }

  draftLimit(): number {
    if (this.maxPositions === 1) return 0;
    // Only a policy that weighs tokens against time can say that drafting does not pay.
    return this.#policy.reason !== "best-value" || this.#drafts() || this.#gate.mayProbe ? this.maxPositions - 1 : 0;
  }

  plan(request: PlanRequest): Plan {
    const situation = this.#situation;
    const available = Math.max(1, Math.min(1 + request.drafted, request.positionLimit, this.#curve.maxPositions));
    this.#curve.moveTo(request.contextLength);
    this.#price();
    this.#survival.fill(request.confidence, available - 1, situation.survival);
    situation.available = available;
    situation.tokensPerMs = this.#tokensPerMs();

    this.#wanted = Math.max(1, Math.floor(this.#policy.choose(situation)) || 1);
    const leader = this.#guard?.leader ?? 0;
    const wanted = leader > 0 ? leader : this.#wanted;
    const fit = this.#fitRows(Math.min(wanted, available), request.rowLimit);
    const atLimit = fit === request.positionLimit || fit < Math.min(wanted, available);
    this.#clipped = atLimit && fit < this.maxPositions && (fit < wanted || this.#policy.reason === "best-value");
    this.#fill(fit);
    this.#plan.reason = this.#reasonFor(fit, wanted, leader, request.drafted);
    return this.#plan;
  }

  observe(outcome: Outcome): void {
    const { rows } = this.#plan;
    const profiledMs = this.#curve.costMs[rows - 1]!;
    const { forwardMs, draftMs, restMs } = outcome;
    this.#survival.learn(outcome.scores);
    this.#gate.observe(forwardMs + draftMs + restMs, draftMs, this.#gain);
    this.#cost.observe(rows, forwardMs, profiledMs);
    const { available, priceMs, tokensPerMs } = this.#situation;
    this.#guard?.observe(available - 1, this.#wanted, outcome.emitted, outcome.scores, priceMs, tokensPerMs);
    // A pause (garbage collection, a descheduled thread) counts for no more than a forward.
    this.#restMs += REST_WEIGHT * (Math.min(draftMs + restMs, profiledMs * this.#cost.level) - this.#restMs);
    if (this.#clipped) return;
    this.#tokens += outcome.emitted - RATE_FORGET * this.#tokens;
    this.#ms += profiledMs * this.#cost.shape(rows) + this.#restMs / this.#cost.level - RATE_FORGET * this.#ms;
  }

  #tokensPerMs(): number {
    return this.#tokens / (this.#ms * this.#cost.level);
  }

  #drafts(): boolean {
    const plainMs = this.#curve.paddedMs[0]! * this.#cost.level;
    return this.#gate.pays(this.#tokensPerMs(), plainMs);
  }

  #price(): void {
    const { paddedMs, paddedRows } = this.#curve;
    const { priceMs } = this.#situation;
    for (let i = 0; i < paddedMs.length; i++) {
      priceMs[i] = paddedMs[i]! * this.#cost.shape(paddedRows[i]!) * this.#cost.level + this.#restMs;
    }
  }

  /** The most positions up to `positions` whose rows fit. */
  #fitRows(positions: number, rowLimit: number): number {
    let n = positions;
    while (n > 1 && this.#curve.smallestRows[n - 1]! > rowLimit) n--;
    const padded = this.#curve.paddedRows[n - 1]!;
    this.#plan.rows = padded <= rowLimit ? padded : this.#curve.smallestRows[n - 1]!;
    return n;
  }

  #fill(positions: number): void {
    const { survival, priceMs, tokensPerMs } = this.#situation;
    const plan = this.#plan;
    plan.positions = positions;
    plan.expectedMs = this.#curve.costMs[plan.rows - 1]! * this.#cost.shape(plan.rows) * this.#cost.level;
    plan.expectedTokens = 0;
    for (let k = 0; k < positions; k++) plan.expectedTokens += survival[k]!;
    this.#gain = plan.expectedTokens - 1 - tokensPerMs * (priceMs[positions - 1]! - priceMs[0]!);
  }

  #reasonFor(positions: number, wanted: number, leader: number, drafted: number): PlanReason {
    if (this.#cost.stale) return "stale-profile";
    if (this.#clipped) return "limit";
    const byValue = this.#policy.reason === "best-value";
    if (byValue && this.maxPositions > 1 && !this.#drafts()) return drafted > 0 ? "exploring" : "not-worth-it";
    if (positions < wanted) return positions === this.#curve.maxPositions ? "limit" : "draft-too-short";
    if (leader > 0) return "guard";
    if (!byValue || positions > 1) return this.#policy.reason;
    if (this.maxPositions === 1) return "limit";
    return drafted > 0 ? "not-worth-it" : "draft-too-short";
  }
}
