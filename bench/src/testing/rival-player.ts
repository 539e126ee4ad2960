import { createCostCurve, createDraft } from "@nearfree/core";
import { profileOf } from "../policy/machine.ts";
import type { Player } from "../policy/player.ts";
import type { RivalSetup } from "../policy/rivals/rival.ts";
import { DRAFT_DEPTH } from "../policy/stream.ts";

/** What a rule is given on a machine whose forward of n rows takes ms(n). */
export function setupOf(ms: (n: number) => number, more: Partial<RivalSetup> = {}): RivalSetup {
  const table = Float64Array.from({ length: DRAFT_DEPTH + 1 }, (_, i) => ms(i + 1));
  return { curve: createCostCurve(profileOf("test", 256, table)), draftMs: 0, tunedPositions: 1, ...more };
}

export interface Step {
  /** Draft tokens that stand, of those verified. */
  readonly right: number;
  /** Draft tokens that the drafter has. Default: as many as asked for. */
  readonly drafted?: number;
  readonly confidence?: number;
  readonly ms?: number;
}

/** Takes one step and returns the draft tokens that were verified. */
export function step(player: Player, { right, drafted = DRAFT_DEPTH, confidence = 0.8, ms = 1 }: Step): number {
  const draft = createDraft(DRAFT_DEPTH);
  draft.length = Math.min(drafted, player.draftLimit());
  draft.confidence.fill(confidence);
  const turn = { draft, drafted: draft.length, positionLimit: 1000, contextLength: 256 };
  const positions = player.choose(turn);
  const accepted = Math.min(right, positions - 1);
  player.observe({ positions, accepted, tokens: new Int32Array(64), t: 0, forwardMs: ms, draftMs: 0 });
  return positions - 1;
}

/** The draft tokens verified in each of `count` steps of one kind. */
export function steps(player: Player, count: number, each: Step): number[] {
  return Array.from({ length: count }, () => step(player, each));
}
