import { costMs, type Machine } from "./machine.ts";
import type { Player } from "./player.ts";
import type { Stream } from "./stream.ts";

export interface Replayed {
  /** Expected ms of all forwards and drafts: the noise that the player saw is left out, so that a difference is one of choices. */
  readonly ms: number;
  readonly forwards: number;
}

/** One forward of a replay. */
export interface ReplayedStep {
  readonly t: number;
  readonly positions: number;
  readonly accepted: number;
  readonly ms: number;
}

/**
 * Walks a player through a stream in simulated time. noise[t], of mean 1, is what timings at position t are off by: the player
 * sees it, the total does not.
 */
export function replay(
  stream: Stream,
  machine: Machine,
  player: Player,
  noise: Float64Array,
  onStep?: (step: ReplayedStep) => void,
): Replayed {
  const { length, tokens, drafts, right, limit, context, starts } = stream;
  const turn = { draft: drafts[0]!, drafted: 0, positionLimit: 1, contextLength: 0 };
  const result = { positions: 1, accepted: 0, tokens, t: 0, forwardMs: 0, draftMs: 0 };
  let ms = 0;
  let forwards = 0;
  for (let t = 0; t < length; ) {
    if (starts[t] === 1) player.begin();
    const wanted = limit[t]!;
    const asked = Math.min(player.draftLimit(), wanted - 1);
    const draft = drafts[t]!;
    turn.draft = draft;
    turn.drafted = asked > 0 ? Math.min(draft.length, asked) : 0;
    turn.positionLimit = wanted;
    turn.contextLength = context[t]!;
    const positions = Math.max(1, Math.min(player.choose(turn), 1 + turn.drafted));
    const rows = Math.max(positions, player.rows ?? positions);
    const draftMs = asked > 0 ? machine.draftMs : 0;
    const forwardMs = costMs(machine, t, rows, context[t]!);
    const accepted = Math.min(positions - 1, right[t]!);
    ms += forwardMs + draftMs;
    forwards++;
    result.positions = positions;
    result.accepted = accepted;
    result.t = t;
    result.forwardMs = forwardMs * noise[t]!;
    result.draftMs = draftMs * noise[t]!;
    player.observe(result);
    onStep?.({ t, positions, accepted, ms: forwardMs + draftMs });
    t += accepted + 1;
  }
  return { ms, forwards };
}

/** `replay` of the same positions at every step that has a draft, without the detours. */
export function replayFixed(stream: Stream, machine: Machine, positions: number): Replayed {
  const { length, drafts, right, limit, context } = stream;
  let ms = 0;
  let forwards = 0;
  for (let t = 0; t < length; ) {
    const most = Math.min(positions - 1, limit[t]! - 1);
    const drafted = Math.min(most, drafts[t]!.length);
    ms += costMs(machine, t, drafted + 1, context[t]!) + (most > 0 ? machine.draftMs : 0);
    forwards++;
    t += Math.min(drafted, right[t]!) + 1;
  }
  return { ms, forwards };
}
