import type { ObservableScheduler, SchedulerListener } from "../contracts/observable-scheduler.ts";
import type { Plan, PlanReason } from "../contracts/plan.ts";
import type { Outcome, PlanRequest } from "../contracts/scheduler.ts";
import type { CostCurve } from "../profile/curve.ts";
import { checkRequest } from "./check-request.ts";
import { BaseChecks } from "./learning/base-checks.ts";
import { CorrectedCurve } from "./learning/corrected-curve.ts";
import { CostCorrection } from "./learning/cost.ts";
import { DraftGate } from "./learning/draft-gate.ts";
import { Exploration } from "./learning/exploration.ts";
import { Guard } from "./learning/guard.ts";
import { Survival } from "./learning/survival.ts";
import type { Policy, Situation } from "./policy/policy.ts";
import { StepFeed } from "./step-feed.ts";

/** Share of the past that one step forgets in tokens per ms. */
const RATE_FORGET = 0.005;
/** Steps of one position that tokens per ms start from. */
const RATE_PRIOR_STEPS = 4;
/** Weight of one step in the time that a step takes beside its forward. */
const REST_WEIGHT = 0.05;

/** What schedulers of one model may learn together. Default: each for itself. */
export interface SharedLearning {
  readonly cost?: CostCorrection | undefined;
  readonly survival?: Pick<Survival, "fill" | "learn"> | undefined;
}

/** Chooses by policy over a cost curve, corrected by what is observed. */
export class CurveScheduler implements ObservableScheduler {
  readonly consistency: "bitwise" | "tolerant";
  readonly maxPositions: number;
  readonly minRows: number;
  readonly maxRows: number;
  readonly #policy: Policy;
  readonly #profiled: CostCurve;
  readonly #curve: CorrectedCurve;
  readonly #cost: CostCorrection;
  readonly #survival: Pick<Survival, "fill" | "learn">;
  readonly #gate = new DraftGate();
  readonly #guard: Guard | undefined;
  readonly #exploration: Exploration | undefined;
  readonly #checks: BaseChecks | undefined;
  readonly #situation: { -readonly [K in keyof Situation]: Situation[K] };
  readonly #plan: Plan = { positions: 1, rows: 1, expectedMs: Number.NaN, expectedTokens: 1, reason: "limit" };
  readonly #feed = new StepFeed();
  #drafted = 0;
  #clipped = false;
  // What the policy wanted, and the ms of the plan that a probe took the place of; 0 where the plan is no probe.
  #wanted = 1;
  #insteadMs = 0;
  // Whether the plan is one of the smallest forwards in the place of another, what that one was to gain, and its rows.
  #checked = false;
  #checkedMs = 0;
  #checkedRows = 1;
  #gain = 0;
  // Tokens, and ms on the profile's scale, with forgetting: lambda is their quotient.
  #tokens = RATE_PRIOR_STEPS;
  #ms: number;
  #restMs = 0;
  #revision: number;

  constructor(policy: Policy, curve: CostCurve, consistency: "bitwise" | "tolerant", shared: SharedLearning = {}) {
    this.#policy = policy;
    this.#cost = shared.cost ?? new CostCorrection();
    this.#survival = shared.survival ?? new Survival();
    this.#profiled = curve;
    this.#curve = new CorrectedCurve(curve, this.#cost);
    this.#revision = this.#cost.revision;
    this.consistency = consistency;
    this.minRows = curve.smallestRows[0]!;
    this.maxRows = curve.costMs.length;
    this.maxPositions = Math.min(curve.maxPositions, policy.most?.(curve) ?? curve.maxPositions);
    // The others do what they were asked to.
    if (policy.reason === "best-value" && this.maxPositions > 1) {
      this.#guard = new Guard(this.maxPositions);
      this.#checks = new BaseChecks(this.#cost);
    }
    // A bound on latency and a fixed number leave nothing to try.
    if (policy.reason === "best-value" || policy.reason === "near-free") {
      this.#exploration = new Exploration(this.#curve, this.#cost, curve.knows !== undefined);
    }
    this.#ms = RATE_PRIOR_STEPS * curve.paddedMs[0]!;
    this.#situation = {
      curve: this.#curve,
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
    checkRequest(request, this.minRows);
    const situation = this.#situation;
    const available = Math.max(1, Math.min(1 + request.drafted, request.positionLimit, this.#curve.maxPositions));
    this.#drafted = request.drafted;
    this.#curve.moveTo(request.contextLength);
    this.#price();
    this.#survival.fill(request.confidence, available - 1, situation.survival);
    const reach = this.#exploration?.reach(available) ?? available;
    situation.available = reach;
    situation.tokensPerMs = this.#tokensPerMs();

    this.#wanted = Math.max(1, Math.floor(this.#policy.choose(situation)) || 1);
    const leader = this.#guard?.leader ?? 0;
    const wanted = leader > 0 ? leader : this.#wanted;
    const most = this.#fitRows(Math.min(wanted, reach), request.rowLimit);
    // Nothing far wider than what was found to fit the profile is run before that.
    const mostRows = this.#checks === undefined ? request.rowLimit : Math.max(this.minRows, this.#cost.mostRows);
    let fit = this.#fitRows(most, Math.min(request.rowLimit, mostRows));
    const cautious = fit < most;
    this.#fill(fit);
    if (this.#check()) fit = 1;
    const probed = this.#checked || this.#probe(fit, available, request.rowLimit);
    // Rows that run anyway verify draft tokens before they are padding.
    fit = Math.max(fit, Math.min(this.#plan.rows, available, this.maxPositions));
    if (probed) fit = Math.min(fit, this.#plan.rows);
    const atLimit = fit === request.positionLimit || fit < Math.min(wanted, reach);
    const tries = probed || cautious;
    const narrow = fit < this.maxPositions && (fit < wanted || this.#policy.reason === "best-value");
    this.#clipped = !tries && atLimit && narrow;
    this.#fill(fit);
    this.#plan.reason = tries ? "exploring" : this.#reasonFor(fit, wanted, leader, request.drafted);
    return this.#plan;
  }

  observe(outcome: Outcome): void {
    const { rows } = this.#plan;
    const { forwardMs, draftMs, restMs } = outcome;
    this.#survival.learn(outcome.scores);
    this.#gate.observe(forwardMs + draftMs + restMs, draftMs, this.#gain);
    const ms = this.#learnCost(rows, forwardMs);
    const { available, priceMs, tokensPerMs } = this.#situation;
    this.#guard?.observe(available - 1, this.#wanted, outcome.emitted, outcome.scores, priceMs, tokensPerMs);
    // A pause (garbage collection, a descheduled thread) counts for no more than a forward.
    this.#restMs += REST_WEIGHT * (Math.min(draftMs + restMs, ms * this.#cost.level) - this.#restMs);
    // A step that was clipped, or run for the level's sake, says nothing of what a ms is worth.
    if (!this.#clipped && !this.#checked) this.#earn(outcome.emitted, ms);
    if (this.#cost.revision !== this.#revision) this.#startOver();
    if (this.#feed.listening) {
      this.#feed.step(this.#plan, outcome, this.#drafted, this.#tokensPerMs(), this.#cost.stale);
    }
  }

  subscribe(listener: SchedulerListener): () => void {
    return this.#feed.subscribe(listener);
  }

  /** Costs are something else than was thought: what was weighed by the old ones says nothing, and a ms is worth one position's at least. */
  #startOver(): void {
    this.#revision = this.#cost.revision;
    this.#guard?.reset();
    this.#tokens = RATE_PRIOR_STEPS;
    this.#ms = RATE_PRIOR_STEPS * this.#profiled.costMs[this.minRows - 1]! * this.#cost.shape(this.minRows);
  }

  #earn(tokens: number, ms: number): void {
    this.#tokens += tokens - RATE_FORGET * this.#tokens;
    this.#ms += ms + this.#restMs / this.#cost.level - RATE_FORGET * this.#ms;
  }

  /** Learns from a forward of `rows` rows, and gives its expected ms on the profile's scale. */
  #learnCost(rows: number, forwardMs: number): number {
    const { level } = this.#cost;
    const plainMs = this.#curve.paddedMs[0]! * level;
    this.#exploration?.earn(forwardMs, plainMs);
    this.#checks?.earn(forwardMs, plainMs);
    if (this.#checked) this.#checks?.spend(this.#checkedRows, this.#checkedMs);
    if (this.#insteadMs > 0) this.#exploration?.spend(forwardMs - this.#insteadMs);
    if (!this.#cost.dropped && this.#profiled.knows?.(rows) === false) {
      this.#profiled.learn?.(rows, forwardMs / level);
      return Math.min(forwardMs / level, this.#profiled.costMs[rows - 1]!);
    }
    const profiledMs = this.#profiled.costMs[rows - 1]!;
    this.#cost.observe(rows, forwardMs, profiledMs, rows === this.minRows);
    return profiledMs * this.#cost.shape(rows);
  }

  /** Puts the smallest forward in the place of the plan where it is due. */
  #check(): boolean {
    const gainMs = this.#gain / this.#situation.tokensPerMs;
    const { rows } = this.#plan;
    this.#checked = rows !== this.minRows && this.#checks?.due(rows, gainMs) === true;
    if (!this.#checked) return false;
    this.#checkedMs = gainMs;
    this.#checkedRows = rows;
    this.#insteadMs = 0;
    this.#plan.rows = this.minRows;
    return true;
  }

  /** Puts a probe in the place of `positions` where one is due, fits, and is affordable: sets the plan's rows. */
  #probe(positions: number, available: number, rowLimit: number): boolean {
    const probe = this.#exploration?.probe(positions, available, this.#situation) ?? 0;
    const rowsOf = this.#cost.dropped ? this.#curve.smallestRows : this.#curve.paddedRows;
    const rows = probe > 0 ? rowsOf[probe - 1]! : 0;
    const due = rows > 0 && rows <= rowLimit;
    this.#insteadMs = due ? this.#situation.priceMs[positions - 1]! : 0;
    if (due) this.#plan.rows = rows;
    return due;
  }

  #tokensPerMs(): number {
    return this.#tokens / (this.#ms * this.#cost.level);
  }

  #drafts(): boolean {
    const plainMs = this.#curve.paddedMs[0]! * this.#cost.level;
    return this.#gate.pays(this.#tokensPerMs(), plainMs);
  }

  #price(): void {
    const { paddedMs } = this.#curve;
    const { priceMs } = this.#situation;
    for (let i = 0; i < paddedMs.length; i++) {
      priceMs[i] = paddedMs[i]! * this.#cost.level + this.#restMs;
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
    const ms = this.#curve.costMs[plan.rows - 1]! * this.#cost.level;
    // A curve that is learned has no scale before the first forward.
    plan.expectedMs = this.#profiled.knows !== undefined && this.#cost.forwards === 0 ? Number.NaN : ms;
    plan.expectedTokens = 0;
    for (let k = 0; k < positions; k++) plan.expectedTokens += survival[k]!;
    this.#gain = plan.expectedTokens - 1 - tokensPerMs * (priceMs[positions - 1]! - priceMs[0]!);
  }

  #reasonFor(positions: number, wanted: number, leader: number, drafted: number): PlanReason {
    if (this.#cost.stale) return "stale-profile";
    if (this.#profiled.knows !== undefined && this.#exploration?.reach(this.maxPositions) === 1) return "no-profile";
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
