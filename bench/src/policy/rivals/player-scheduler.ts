import type { Draft, Outcome, Plan, PlanRequest, Scheduler } from "@nearfree/core";
import type { Player } from "../player.ts";
import { MOST_DRAFTED } from "./rival.ts";

/** A rule in nearfree's own decode loop: what the replay says of it can be tried by the clock. */
export class PlayerScheduler implements Scheduler {
  readonly consistency: "bitwise" | "tolerant";
  readonly maxPositions = MOST_DRAFTED + 1;
  readonly maxRows = MOST_DRAFTED + 1;
  readonly minRows: number;
  readonly #player: Player;
  readonly #plan: Plan = { positions: 1, rows: 1, expectedMs: Number.NaN, expectedTokens: 1, reason: "fixed" };
  readonly #draft: { -readonly [K in keyof Draft]: Draft[K] };
  readonly #none = new Int32Array(0);

  /** @param minRows rows of its smallest forward: 2 where the loop keeps to the kernels of more than one. */
  constructor(player: Player, minRows: number) {
    this.#player = player;
    this.minRows = minRows;
    this.consistency = minRows > 1 ? "bitwise" : "tolerant";
    this.#draft = { tokens: new Int32Array(MOST_DRAFTED), confidence: new Float32Array(MOST_DRAFTED), length: 0 };
  }

  draftLimit(): number {
    return this.#player.draftLimit();
  }

  plan({ drafted, confidence, positionLimit, rowLimit, contextLength }: PlanRequest): Plan {
    this.#draft.confidence = confidence;
    this.#draft.length = drafted;
    const chosen = this.#player.choose({ draft: this.#draft, drafted, positionLimit, contextLength });
    this.#plan.positions = Math.max(1, Math.min(chosen, 1 + drafted, positionLimit, rowLimit));
    this.#plan.rows = Math.max(this.#plan.positions, this.minRows);
    return this.#plan;
  }

  observe({ emitted, forwardMs, draftMs }: Outcome): void {
    const { positions } = this.#plan;
    this.#player.observe({ positions, accepted: emitted - 1, tokens: this.#none, t: 0, forwardMs, draftMs });
  }
}
