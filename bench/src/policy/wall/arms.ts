import type { OpenModel } from "@nearfree/calibrate/node";
import {
  createCostCurve,
  createNgramDrafter,
  createScheduler,
  decodeAll,
  type Profile,
  type Scheduler,
} from "@nearfree/core";
import { type Player, SchedulerPlayer } from "../player.ts";
import { PlayerScheduler } from "../rivals/player-scheduler.ts";
import { RIVALS } from "../rivals/rivals.ts";

const FIXED = [1, 4, 8];

/** A rule as what the loop takes, and as what the replay takes: each with a state of its own. */
export interface Arm {
  readonly name: string;
  readonly scheduler: Scheduler;
  readonly player: Player;
  /** [prompt]: what each repeat took. */
  readonly runs: Run[][];
}

/** One decode: rows and ms of its forwards, and ms beside them. */
export interface Run {
  readonly rows: number[];
  readonly ms: number[];
  restMs: number;
}

/** The plain loop first. Every arm keeps to the invariance class that the scheduled loop keeps to, so all give the same tokens. */
export function createArms(profile: Profile, prompts: number): Arm[] {
  const { consistency, minRows } = createScheduler({ profile });
  const arm = (name: string, scheduler: Scheduler, player: Player): Arm => {
    return { name, scheduler, player, runs: Array.from({ length: prompts }, () => []) };
  };
  const own = (name: string, make: () => Scheduler) => arm(name, make(), new SchedulerPlayer(make()));
  const rival = (key: "hf" | "vllm") => {
    const make = () => new RIVALS[key]({ curve: createCostCurve(profile), draftMs: 0, tunedPositions: 1 });
    const padded = make();
    return arm(key, new PlayerScheduler(make(), minRows), padRows(padded, minRows));
  };
  return [
    ...FIXED.map((positions) => {
      return own(positions === 1 ? "plain" : `fixed-${positions}`, () =>
        createScheduler({ profile, policy: "fixed", positions, consistency }),
      );
    }),
    rival("hf"),
    rival("vllm"),
    own("nearfree", () => createScheduler({ profile })),
  ];
}

/** The same player, its forwards never of fewer rows than `minRows`. */
function padRows(player: Player, minRows: number): Player {
  return {
    begin: () => player.begin(),
    draftLimit: () => player.draftLimit(),
    choose: (turn) => player.choose(turn),
    rows: minRows,
    observe: (result) => player.observe(result),
  };
}

/** Decodes after `prompt`, of which the runner holds the first `cached` tokens. */
export async function generate(
  { scheduler }: Arm,
  { runner }: OpenModel,
  prompt: readonly number[],
  { newTokens, cached = 0 }: { readonly newTokens: number; readonly cached?: number },
): Promise<{ tokens: number[]; run: Run }> {
  const run: Run = { rows: [], ms: [], restMs: 0 };
  if (cached === 0) runner.rewind(0);
  const { tokens, stats } = await decodeAll({
    runner,
    scheduler,
    drafter: createNgramDrafter(),
    prompt,
    cached,
    maxNewTokens: newTokens,
    onStep: ({ plan, forwardMs }) => {
      run.rows.push(plan.rows);
      run.ms.push(forwardMs);
    },
  });
  run.restMs = stats.decodeMs - stats.forwardMs;
  return { tokens: [...tokens], run };
}
