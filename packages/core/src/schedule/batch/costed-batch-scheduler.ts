import type { PlanReason } from "../../contracts/plan.ts";
import { refuse } from "../../contracts/refuse.ts";
import { checkRequest } from "../check-request.ts";
import { BaseChecks } from "../learning/base-checks.ts";
import { CostCorrection } from "../learning/cost.ts";
import { Survival } from "../learning/survival.ts";
import { bestValue } from "../policy/best-value.ts";
import type { Situation } from "../policy/policy.ts";
import type { BatchOutcome, BatchPlan, BatchRequest, BatchScheduler } from "./batch.ts";
import type { BatchCost } from "./batch-cost.ts";
import { BatchProbe } from "./batch-probe.ts";
import type { BatchRows } from "./batch-rows.ts";
import { batchValue } from "./batch-value.ts";
import { Fairness } from "./fairness.ts";
import { RequestSurvival } from "./request-survival.ts";

/** Share of the past that one step forgets in the speed over a server without drafts, and steps that it starts from. */
const SPEED_FORGET = 0.005;
const SPEED_PRIOR_STEPS = 4;
/** Weight of one step in the time that a step takes beside its forward. */
const REST_WEIGHT = 0.05;

/** Chooses by value over the costs of a batch, corrected by what is observed. */
export class CostedBatchScheduler implements BatchScheduler {
  readonly maxPositions: number;
  readonly maxRequests: number;
  readonly #table: BatchCost;
  readonly #rows: BatchRows;
  readonly #correction = new CostCorrection();
  readonly #checks = new BaseChecks(this.#correction);
  readonly #probe = new BatchProbe(this.#correction);
  readonly #survival: readonly RequestSurvival[]; // [slot]
  readonly #fairness: Fairness;
  readonly #plan: BatchPlan;
  readonly #slots: Int32Array;
  // [rows-1]: ms of a forward, corrected, at the level that was profiled
  readonly #costsMs: Float64Array;
  readonly #choice;
  /** The rule for one request, which needs prices and no curve. */
  readonly #single: { choose(situation: Omit<Situation, "curve">): number } = bestValue();
  #requests = 0;
  #covered = false;
  // Speed over a server without drafts: tokens of a request, and ms over the ms of one position each, with forgetting.
  #tokens = SPEED_PRIOR_STEPS;
  #time = SPEED_PRIOR_STEPS;
  #restMs = 0;
  #revision = 0;
  // Whether the plan is there to learn a cost, and the ms of what it is there instead of.
  #tries = false;
  #insteadMs = 0;
  #checkedRows = 0;
  #checkedMs = 0;

  constructor(table: BatchCost, rows: BatchRows, mostSlowdown: number) {
    const { maxRequests, maxPositions } = rows;
    this.maxPositions = maxPositions;
    this.maxRequests = maxRequests;
    this.#table = table;
    this.#rows = rows;
    const shared = new Survival();
    this.#survival = Array.from({ length: maxRequests }, () => new RequestSurvival(shared));
    this.#fairness = new Fairness(maxRequests, mostSlowdown);
    this.#slots = new Int32Array(maxRequests);
    const positions = new Int32Array(maxRequests);
    this.#plan = { positions, rows: 1, expectedMs: Number.NaN, expectedTokens: 0, reason: "no-profile" };
    this.#costsMs = new Float64Array(table.maxRows);
    const priceMs = new Float64Array(table.maxRows);
    this.#choice = { gain: rows.gain, gains: 0, priceMs, widest: 0, limitMs: 0, tokensPerMs: 0 };
  }

  plan(requests: readonly BatchRequest[]): BatchPlan {
    const count = requests?.length;
    const rows = this.#rows;
    if (!(count >= 1 && count <= this.maxRequests))
      refuse("requests", `1 to ${this.maxRequests} of them`, String(count), "see BatchRequest");
    let context = 0;
    let latencyMs = Number.POSITIVE_INFINITY;
    rows.begin(count);
    for (let i = 0; i < count; i++) {
      const request = requests[i]!;
      checkRequest(request, 1);
      const { slot } = request;
      if (this.#survival[slot] === undefined) refuse("slot", `0 to ${this.maxRequests - 1}`, slot, "see BatchRequest");
      if (!(request.latencyMs >= 0)) refuse("latencyMs", "ms, or Infinity", request.latencyMs, "see BatchRequest");
      this.#slots[i] = slot;
      context += request.contextLength / count;
      latencyMs = Math.min(latencyMs, request.latencyMs);
      const available = rows.limit(i, request);
      this.#survival[slot]!.fill(request.confidence, available - 1, rows.survival[i]!);
    }
    this.#requests = count;
    this.#covered = this.#table.moveTo(count, context);
    const choice = this.#choice;
    choice.gains = rows.rank();
    choice.widest = this.#covered ? Math.min(rows.widest, this.#table.maxRows - rows.least) : 0;
    this.#price(rows.least, choice.widest);
    choice.limitMs = this.#limitMs(latencyMs);
    choice.tokensPerMs = ((this.#tokens / this.#time) * count) / this.#plainMs();
    this.#fill(this.#tryOr(count === 1 ? this.#chooseOne() : batchValue(choice)));
    return this.#plan;
  }

  /** How often to widen: `chosen`, or not at all where only that tells what has changed, or what is due for a probe. */
  #tryOr(chosen: number): number {
    const { priceMs } = this.#choice;
    this.#tries = false;
    this.#insteadMs = 0;
    if (!this.#covered) return chosen;
    if (this.#check(chosen)) return 0;
    const probe = this.#probe.choose(this.#rows.least, chosen, this.#choice);
    if (probe === 0 || this.#probeMs(probe) > this.#choice.limitMs) return chosen;
    this.#tries = true;
    this.#insteadMs = priceMs[chosen]!;
    return probe;
  }

  #check(chosen: number): boolean {
    const { gain, gains, priceMs, tokensPerMs } = this.#choice;
    this.#checkedRows = 0;
    if (chosen === 0) return false;
    let tokens = 0;
    for (let c = 0; c < Math.min(chosen, gains); c++) tokens += gain[c]!;
    const gainMs = tokens / tokensPerMs - priceMs[chosen]! + priceMs[0]!;
    if (!this.#checks.due(this.#rows.least + chosen, gainMs)) return false;
    this.#tries = true;
    this.#checkedRows = this.#rows.least + chosen;
    this.#checkedMs = gainMs;
    return true;
  }

  /** Of a row count that is not known: as if more rows saved nothing, and no less than the profile says. */
  #probeMs(widened: number): number {
    const { least } = this.#rows;
    return Math.max(this.#costMs(least + widened), (this.#plainMs() * (least + widened)) / least);
  }

  /** One request alone is planned like any sequence alone, its rest of a right draft counted in. */
  #chooseOne(): number {
    const { gains, priceMs, widest, limitMs, tokensPerMs } = this.#choice;
    let most = Math.min(gains, widest);
    while (most > 0 && priceMs[most]! > limitMs) most--;
    const survival = this.#rows.survival[0]!;
    let widened = this.#single.choose({ survival, priceMs, available: 1 + most, tokensPerMs }) - 1;
    if (widened > 0 && priceMs[widened]! > limitMs) widened = most;
    // As for several: more rows that cost less.
    for (let c = widened + 1; c <= widest; c++) {
      if (priceMs[c]! < priceMs[widened]! && priceMs[c]! <= limitMs) widened = c;
    }
    return widened;
  }

  observe({ emitted, scores, forwardMs, restMs }: BatchOutcome): void {
    const level = this.#correction.level;
    const { rows } = this.#plan;
    const plainMs = this.#covered ? this.#plainMs() : 1;
    const stepMs = this.#covered ? this.#costMs(rows) + this.#restMs * level : 1;
    let tokens = 0;
    for (let i = 0; i < this.#requests; i++) {
      const slot = this.#slots[i]!;
      tokens += emitted[i]!;
      this.#survival[slot]!.learn(scores[i]!);
      this.#fairness.observe(slot, stepMs, emitted[i]!, plainMs);
    }
    if (!this.#covered) return;
    const extraMs = this.#insteadMs > 0 ? Math.max(Number.MIN_VALUE, forwardMs - this.#insteadMs) : 0;
    this.#probe.observe(forwardMs, plainMs, extraMs);
    this.#checks.earn(forwardMs, plainMs);
    if (this.#checkedRows > 0) this.#checks.spend(this.#checkedRows, this.#checkedMs);
    this.#correction.observe(rows, forwardMs, this.#table.costMs[rows - 1]!, rows === this.#rows.least);
    if (this.#correction.revision !== this.#revision) this.#startOver();
    // A pause counts for no more than a forward.
    this.#restMs += REST_WEIGHT * (Math.min(restMs / level, this.#table.costMs[rows - 1]!) - this.#restMs);
    this.#tokens += tokens / this.#requests - SPEED_FORGET * this.#tokens;
    this.#time += stepMs / plainMs - SPEED_FORGET * this.#time;
  }

  /** Costs are something else than was thought: the speed so far was weighed by the old ones. */
  #startOver(): void {
    this.#revision = this.#correction.revision;
    this.#tokens = this.#time = SPEED_PRIOR_STEPS;
  }

  free(slot: number): void {
    this.#survival[slot]?.forget();
    this.#fairness.free(slot);
  }

  /** ms of a forward, corrected by what was observed. */
  #costMs(rows: number): number {
    return this.#table.costMs[rows - 1]! * this.#correction.shape(rows) * this.#correction.level;
  }

  /** ms of a step of one position each. */
  #plainMs(): number {
    return this.#covered ? this.#costMs(this.#rows.least) + this.#restMs * this.#correction.level : 1;
  }

  #price(least: number, widest: number): void {
    const { priceMs } = this.#choice;
    const restMs = this.#restMs * this.#correction.level;
    if (!this.#covered) {
      priceMs[0] = 1;
      return;
    }
    const { dropped, level } = this.#correction;
    this.#correction.correct(this.#table.costMs, this.#costsMs, least, least + widest);
    for (let c = 0; c <= widest; c++) {
      const unknown = c > 0 && dropped && !this.#correction.knows(least + c);
      priceMs[c] = unknown ? Number.POSITIVE_INFINITY : this.#costsMs[least + c - 1]! * level + restMs;
    }
  }

  /** The tightest latency; a request that was slowed down enough waits for no draft that costs. */
  #limitMs(latencyMs: number): number {
    const plainMs = this.#plainMs();
    let limit = latencyMs;
    for (let i = 0; i < this.#requests; i++) {
      if (this.#fairness.isBehind(this.#slots[i]!, plainMs)) limit = Math.min(limit, plainMs);
    }
    return limit;
  }

  #fill(widened: number): void {
    const plan = this.#plan;
    plan.rows = this.#rows.least + widened;
    plan.expectedMs = this.#covered ? this.#costMs(plan.rows) : Number.NaN;
    plan.expectedTokens = this.#requests + this.#rows.assign(widened, plan.positions);
    plan.reason = this.#reasonFor(widened);
  }

  #reasonFor(widened: number): PlanReason {
    const { gains, widest, priceMs, limitMs } = this.#choice;
    if (!this.#covered) return "no-profile";
    if (this.#tries) return "exploring";
    if (this.#correction.stale) return "stale-profile";
    if (widened > 0) return "best-value";
    if (gains === 0) return "draft-too-short";
    return widest === 0 || priceMs[1]! > limitMs ? "limit" : "not-worth-it";
  }
}
