import type { Draft } from "../contracts/drafter.ts";
import { createDraft } from "../contracts/drafter.ts";
import { NearfreeError } from "../contracts/errors.ts";
import type { Plan } from "../contracts/plan.ts";
import { refuse } from "../contracts/refuse.ts";
import type { Outcome, PlanRequest, Scheduler } from "../contracts/scheduler.ts";
import { SHADOW_DEPTH, Shadow } from "./draft/shadow.ts";

/** What a draft token is taken to be worth before anything was learned, where its drafter does not say. */
export const DEFAULT_CONFIDENCE = 0.75;

interface StepLimits {
  /** Most positions that may be run: the tokens still wanted, say. At least 1. Default: no limit but the scheduler's own. */
  readonly limit?: number | undefined;
}

/** A speculative step: the draft tokens that are there to be verified. */
export interface DraftAtHand extends StepLimits {
  /** Continues the sequence; none where there is no draft. */
  readonly draft: ArrayLike<number>;
  /** confidence[k]: the drafter's estimate in [0, 1] that token k stands given that those before it do. Default 0.75 each. */
  readonly confidence?: ArrayLike<number> | undefined;
  /** ms that drafting took. Default 0: free beside a forward. */
  readonly draftMs?: number | undefined;
}

/** A step without draft tokens, as of a diffusion block: up to `rows` rows could be run at once. */
export interface RowsAtHand extends StepLimits {
  readonly rows: number;
}

export type AtHand = DraftAtHand | RowsAtHand;

/**
 * The plan() and observe() of a loop that runs its own forwards: keeps the last drafts of one sequence, scores them against the
 * tokens that come out (verified or not, so that acceptance is learned at every step), and tells the scheduler.
 *
 * Where a step has no draft tokens, the number that it brought stands for them: rows are taken to bring tokens in order, so
 * that E(n) = E(min(C, n)) for a step that brings C. This says nothing of which rows they were.
 */
export class LoopSteps {
  readonly #scheduler: Scheduler;
  readonly #draft: Draft;
  readonly #depth: number;
  readonly #request: PlanRequest;
  readonly #outcome: { -readonly [K in keyof Outcome]: Outcome[K] };
  #shadow: Shadow;
  #emitted: Int32Array;
  #plan: Plan | undefined;
  // Of the last plan, which its scheduler may since have made into another's.
  #positions = 1;
  #rows = 1;

  constructor(scheduler: Scheduler) {
    const mostDrafted = scheduler.maxPositions - 1;
    this.#scheduler = scheduler;
    this.#draft = createDraft(mostDrafted);
    this.#depth = Math.min(mostDrafted, SHADOW_DEPTH);
    this.#shadow = new Shadow(this.#depth);
    this.#emitted = new Int32Array(scheduler.maxPositions);
    this.#request = {
      drafted: 0,
      confidence: this.#draft.confidence,
      positionLimit: 1,
      rowLimit: scheduler.minRows,
      contextLength: 0,
    };
    this.#outcome = { emitted: 0, forwardMs: 0, draftMs: 0, restMs: 0, scores: this.#shadow.scores };
  }

  /** Rows of the last plan: a forward of another number says nothing of what was planned. */
  get rows(): number {
    return this.#rows;
  }

  /** Draft tokens worth asking for now. 0: do not draft. */
  draftLimit(): number {
    return this.#scheduler.draftLimit();
  }

  /**
   * Decides one step. `contextLength`: positions in the KV cache; `rowLimit`: rows that still fit into it.
   * @throws NearfreeError `invalid-argument` for a limit or rows below 1, `context-exceeded` where the scheduler's smallest forward does not fit.
   */
  plan(atHand: AtHand, contextLength: number, rowLimit = Number.POSITIVE_INFINITY): Plan {
    const request = this.#request;
    const limit = atHand.limit ?? Number.POSITIVE_INFINITY;
    if (!(limit >= 1 && Math.floor(limit) === limit)) refuse("limit", "an integer of at least 1", limit, "see AtHand");
    if (rowLimit < this.#scheduler.minRows) throw contextExceeded(this.#scheduler.minRows, rowLimit);
    if ("rows" in atHand) this.#takeRows(atHand.rows);
    else this.#takeDraft(atHand);
    request.drafted = this.#draft.length;
    request.positionLimit = limit;
    request.rowLimit = rowLimit;
    request.contextLength = contextLength;
    const plan = this.#scheduler.plan(request);
    this.#plan = plan;
    this.#positions = plan.positions;
    this.#rows = plan.rows;
    return plan;
  }

  /**
   * Learns from the step that the last plan led to. `emitted`: the tokens that came out, accepted draft tokens and what follows
   * them, or their number alone, which teaches less: nothing of the draft tokens that were not verified. `forwardMs`: 0 where it
   * was not measured. Before the first plan there is nothing to learn.
   * @throws NearfreeError `invalid-argument` unless a number is an integer of at least 0.
   */
  observe(emitted: ArrayLike<number> | number, forwardMs: number, restMs: number): void {
    const count = typeof emitted === "number" ? emitted : emitted.length;
    if (!Number.isSafeInteger(count) || count < 0)
      refuse("emitted", "tokens, or an integer of at least 0", count, "see observe()");
    const outcome = this.#outcome;
    if (typeof emitted === "number") this.#scoreCount(count);
    else this.#scoreTokens(emitted, count);
    outcome.emitted = count;
    outcome.forwardMs = forwardMs;
    outcome.restMs = restMs;
    if (this.#isMine()) this.#scheduler.observe(outcome);
    outcome.draftMs = 0;
  }

  /** Another sequence begins: its tokens say nothing of the drafts so far. */
  reset(): void {
    this.#shadow = new Shadow(this.#depth);
    this.#outcome.scores = this.#shadow.scores;
    this.#draft.length = 0;
    this.#plan = undefined;
  }

  /** A scheduler that has planned for another sequence since would take this step for that one's. */
  #isMine(): boolean {
    return this.#plan !== undefined && this.#plan.rows === this.#rows && this.#plan.positions === this.#positions;
  }

  #takeDraft({ draft: tokens, confidence, draftMs = 0 }: DraftAtHand): void {
    const draft = this.#draft;
    draft.length = Math.min(tokens.length, draft.tokens.length);
    for (let k = 0; k < draft.length; k++) {
      draft.tokens[k] = tokens[k]!;
      draft.confidence[k] = confidence === undefined ? DEFAULT_CONFIDENCE : confidence[k]!;
    }
    this.#outcome.draftMs = draftMs;
  }

  #takeRows(rows: number): void {
    if (!(Number.isSafeInteger(rows) && rows >= 1)) refuse("rows", "an integer of at least 1", rows, "see AtHand");
    this.#draft.length = Math.min(rows - 1, this.#draft.tokens.length);
    this.#draft.confidence.fill(DEFAULT_CONFIDENCE, 0, this.#draft.length);
    this.#outcome.draftMs = 0;
  }

  #scoreTokens(emitted: ArrayLike<number>, count: number): void {
    if (count > this.#emitted.length) this.#emitted = new Int32Array(count);
    for (let i = 0; i < count; i++) this.#emitted[i] = emitted[i]!;
    this.#shadow.record(this.#draft);
    this.#draft.length = 0; // Recorded once, however often the step is observed.
    this.#shadow.settle(this.#emitted, count);
  }

  #scoreCount(count: number): void {
    const { scores } = this.#shadow;
    const decided = Math.min(this.#positions - 1, this.#depth, count);
    scores.length = decided;
    for (let k = 0; k < decided; k++) {
      scores.position[k] = k;
      scores.confidence[k] = this.#draft.confidence[k]!;
      scores.accepted[k] = k < count - 1 ? 1 : 0;
      scores.age[k] = 0;
    }
  }
}

function contextExceeded(minRows: number, rowLimit: number): NearfreeError {
  return new NearfreeError({
    code: "context-exceeded",
    from: "core",
    what: "plan",
    expected: `room for a forward of ${minRows} rows`,
    received: String(rowLimit),
    remedy: "end the sequence here, or rewind",
  });
}
