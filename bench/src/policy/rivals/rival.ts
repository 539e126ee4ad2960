import type { CostCurve } from "@nearfree/core";
import type { Player, Result, Turn } from "../player.ts";
import { DRAFT_DEPTH } from "../stream.ts";

/** What a rule of somebody else is given, whether or not it has it at home: what nearfree has, as far as the rule can use it. */
export interface RivalSetup {
  /** The same profiles that nearfree has, as a curve of its own; moved to the context of every step. */
  readonly curve: CostCurve;
  /** ms of one draft, as they are. */
  readonly draftMs: number;
  /** The fixed positions that served best on earlier requests of the same kind on the machine of the profile. */
  readonly tunedPositions: number;
}

/** Draft tokens that no rule exceeds. */
export const MOST_DRAFTED = DRAFT_DEPTH;

/** A rule that says how many tokens to draft, and verifies all of them. */
export abstract class DraftLengthRule implements Player {
  protected readonly setup: RivalSetup;

  constructor(setup: RivalSetup) {
    this.setup = setup;
  }

  /** Draft tokens for the next forward. */
  abstract length(): number;
  /** `drafted` tokens were verified, `accepted` of them stood, and the step took `ms`. */
  protected abstract learn(drafted: number, accepted: number, ms: number): void;

  begin(): void {}

  draftLimit(): number {
    return Math.max(0, Math.min(this.length(), MOST_DRAFTED));
  }

  choose({ drafted, contextLength }: Turn): number {
    this.setup.curve.moveTo(contextLength);
    return 1 + drafted;
  }

  observe({ positions, accepted, forwardMs, draftMs }: Result): void {
    this.learn(positions - 1, accepted, forwardMs + draftMs);
  }

  /** What the profile says that a step of `drafted` draft tokens costs, in ms. */
  protected profiledMs(drafted: number): number {
    const { curve, draftMs } = this.setup;
    return curve.costMs[Math.min(drafted, curve.costMs.length - 1)]! + (drafted > 0 ? draftMs : 0);
  }
}
