import {
  createDraft,
  createScores,
  type Draft,
  type Outcome,
  type PlanRequest,
  type Scheduler,
  Shadow,
} from "@nearfree/core";
import { DRAFT_DEPTH } from "./stream.ts";

/** What a player sees before a forward. */
export interface Turn {
  /** What the drafter proposed; no more tokens than asked for. */
  readonly draft: Draft;
  /** Draft tokens at hand, at most as many as asked for and wanted. */
  readonly drafted: number;
  /** Most positions that are still wanted. */
  readonly positionLimit: number;
  readonly contextLength: number;
}

/** What a player sees after it. */
export interface Result {
  readonly positions: number;
  readonly accepted: number;
  /** tokens[t .. t + accepted]: what the forward emitted. */
  readonly tokens: Int32Array;
  readonly t: number;
  readonly forwardMs: number;
  readonly draftMs: number;
}

/** Who chooses the positions of every forward: nearfree's scheduler, or the rule of somebody else. */
export interface Player {
  /** A request begins. */
  begin(): void;
  /** Draft tokens wanted for the next forward; 0 asks for no draft. */
  draftLimit(): number;
  /** Positions of the next forward, from 1 to 1 + turn.drafted. */
  choose(turn: Turn): number;
  /** Rows that the chosen positions run as, where they are padded. Default: as many as positions. */
  readonly rows?: number;
  observe(result: Result): void;
}

/** nearfree's scheduler, with what the decode loop does around it. */
export class SchedulerPlayer implements Player {
  rows = 1;
  readonly scheduler: Scheduler;
  #shadow: Shadow;
  readonly #request: PlanRequest;
  readonly #emitted = new Int32Array(DRAFT_DEPTH + 1);
  readonly #none = createScores(0);
  readonly #draft: { -readonly [K in keyof Draft]: Draft[K] } = { ...createDraft(0) };

  constructor(scheduler: Scheduler) {
    this.scheduler = scheduler;
    this.#shadow = new Shadow(this.#depth);
    this.#request = {
      drafted: 0,
      confidence: new Float32Array(0),
      positionLimit: 1,
      rowLimit: Number.POSITIVE_INFINITY,
      contextLength: 0,
    };
  }

  get #depth(): number {
    return Math.min(this.scheduler.maxPositions - 1, DRAFT_DEPTH);
  }

  begin(): void {
    this.#shadow = new Shadow(this.#depth);
  }

  draftLimit(): number {
    return this.scheduler.draftLimit();
  }

  choose({ draft, drafted, positionLimit, contextLength }: Turn): number {
    const request = this.#request;
    this.#draft.tokens = draft.tokens;
    this.#draft.confidence = draft.confidence;
    this.#draft.length = drafted;
    request.drafted = drafted;
    request.confidence = draft.confidence;
    request.positionLimit = positionLimit;
    request.contextLength = contextLength;
    const plan = this.scheduler.plan(request);
    this.rows = plan.rows;
    return plan.positions;
  }

  observe({ accepted, tokens, t, forwardMs, draftMs }: Result): void {
    const emitted = accepted + 1;
    if (this.scheduler.maxPositions > 1) {
      for (let k = 0; k < emitted; k++) this.#emitted[k] = tokens[t + k]!;
      this.#shadow.record(this.#draft);
      this.#shadow.settle(this.#emitted, emitted);
    }
    const scores = this.scheduler.maxPositions > 1 ? this.#shadow.scores : this.#none;
    const outcome: Outcome = { emitted, forwardMs, draftMs, restMs: 0, scores };
    this.scheduler.observe(outcome);
  }
}
