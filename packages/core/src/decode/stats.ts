import type { Plan, PlanReason } from "../contracts/plan.ts";
import type { Outcome } from "../contracts/scheduler.ts";

/** Why a decode ended. */
export type FinishReason =
  /** The model chose a stop token. */
  | "eos"
  /** The caller's `stop` said so. */
  | "stop"
  /** `maxNewTokens` were yielded. */
  | "length"
  /** The model's context is full. */
  | "context"
  /** The caller's signal fired: the generator threw. */
  | "aborted"
  /** The caller left the loop early. */
  | "returned"
  /** The runner, the drafter or the caller's code threw. */
  | "failed";

/** One forward of the decode loop. */
export interface StepReport {
  /** Reused by the next step. */
  readonly plan: Readonly<Plan>;
  /** Draft tokens that the drafter had, verified or not. */
  readonly drafted: number;
  /** Those of them that stood, up to a stop token. */
  readonly accepted: number;
  readonly forwardMs: number;
}

/** Totals of one decode. */
export interface DecodeStats {
  readonly finish: FinishReason;
  /** Tokens yielded. */
  readonly tokens: number;
  /** Forwards of the decode loop, prefill not among them. */
  readonly forwards: number;
  /** Draft tokens that forwards carried to be verified. */
  readonly verified: number;
  /** Those of them that were yielded: not what stood behind a stop token, or behind the token at which the caller stopped. */
  readonly accepted: number;
  /** trace[i]: positions of forward i. */
  readonly trace: Uint16Array;
  /** Forwards by the reason of their plan. */
  readonly reasons: Readonly<Partial<Record<PlanReason, number>>>;
  readonly prefillMs: number;
  /** ms from the end of the prefill to the end, time that the caller spent between tokens included. */
  readonly decodeMs: number;
  /** ms of it inside forwards, and inside the drafter. */
  readonly forwardMs: number;
  readonly draftMs: number;
}

/** Adds up the steps of one decode. */
export class DecodeTotals {
  tokens = 0;
  verified = 0;
  accepted = 0;
  prefillMs = 0;
  forwardMs = 0;
  draftMs = 0;
  #forwards = 0;
  readonly #trace: Uint16Array;
  readonly #reasons: Partial<Record<PlanReason, number>> = {};

  /** @param mostForwards forwards that the decode cannot exceed: each yields at least one token. */
  constructor(mostForwards: number) {
    this.#trace = new Uint16Array(mostForwards);
  }

  add({ positions, reason }: Plan, outcome: Outcome): void {
    this.#trace[this.#forwards++] = positions;
    this.verified += positions - 1;
    this.forwardMs += outcome.forwardMs;
    this.draftMs += outcome.draftMs;
    this.#reasons[reason] = (this.#reasons[reason] ?? 0) + 1;
  }

  finish(finish: FinishReason, decodeMs: number): DecodeStats {
    return {
      finish,
      tokens: this.tokens,
      forwards: this.#forwards,
      verified: this.verified,
      accepted: this.accepted,
      trace: this.#trace.slice(0, this.#forwards),
      reasons: { ...this.#reasons },
      prefillMs: this.prefillMs,
      decodeMs,
      forwardMs: this.forwardMs,
      draftMs: this.draftMs,
    };
  }
}
