import { createCostCurve, createScheduler } from "@nearfree/core";
import { clairvoyantMs } from "./clairvoyant.ts";
import type { ReplayCurve } from "./curves/replay-curve.ts";
import { WIDEST } from "./machine.ts";
import { type Player, SchedulerPlayer } from "./player.ts";
import { replay, replayFixed } from "./replay.ts";
import { RIVAL_KEYS, RIVALS, type RivalKey } from "./rivals/rivals.ts";
import { type Ratio, ratioOver } from "./score.ts";
import type { Segment } from "./stream.ts";
import { type Course, createCourse, type Traffic } from "./traffic.ts";

/** Positions of the fixed arms; 1 is the plain loop. */
export const FIXED: readonly number[] = [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 20, 24, 32];
/** The seed of the earlier traffic that a careful operator tunes on. */
const TUNING_SEED = 0;

/** Every rule on one kind of traffic over one curve. Ratios are of speed: above 1 nearfree is faster. */
export interface Cell {
  readonly curve: ReplayCurve;
  readonly traffic: Traffic;
  readonly overBestFixed: Ratio;
  /** The best fixed n of the median seed. */
  readonly bestFixed: number;
  readonly overPlain: Ratio;
  /** Against the plain loop, in the worst seed. */
  readonly overPlainWorst: number;
  readonly overBestFixedWorst: number;
  /** The share of the bound that is reached. */
  readonly overClairvoyant: Ratio;
  readonly overRivals: Readonly<Record<RivalKey, Ratio>>;
  readonly tokensPerForward: number;
}

/** Runs every rule over the same courses, one for each seed from 1 on. */
export function playCell(curve: ReplayCurve, traffic: Traffic, ranked: readonly Segment[], seeds: number): Cell {
  const tuned = bestFixed(createCourse(curve, { ...traffic, draw: "any" }, ranked, TUNING_SEED)).positions;
  const runs = Array.from({ length: seeds }, (_, i) => playSeed(createCourse(curve, traffic, ranked, i + 1), tuned));
  const over = (of: (run: SeedRun) => number) => runs.map((run) => of(run) / run.ms);
  const overPlain = over((run) => run.plainMs);
  const overFixed = over((run) => run.bestFixed.ms);
  return {
    curve,
    traffic,
    overBestFixed: ratioOver(overFixed),
    bestFixed: runs.map((run) => run.bestFixed.positions).sort((a, b) => a - b)[seeds >> 1]!,
    overPlain: ratioOver(overPlain),
    overPlainWorst: Math.min(...overPlain),
    overBestFixedWorst: Math.min(...overFixed),
    overClairvoyant: ratioOver(over((run) => run.clairvoyantMs)),
    overRivals: Object.fromEntries(
      RIVAL_KEYS.map((key) => [key, ratioOver(over((run) => run.rivalMs[key]!))]),
    ) as Cell["overRivals"],
    tokensPerForward: runs.reduce((sum, run) => sum + run.tokensPerForward, 0) / seeds,
  };
}

interface SeedRun {
  readonly ms: number;
  readonly tokensPerForward: number;
  readonly plainMs: number;
  readonly bestFixed: { readonly positions: number; readonly ms: number };
  readonly clairvoyantMs: number;
  readonly rivalMs: Readonly<Record<string, number>>;
}

function playSeed(course: Course, tunedPositions: number): SeedRun {
  const { stream, machine, noise } = course;
  const play = (player: Player) => replay(stream, machine, player, noise);
  const own = play(new SchedulerPlayer(createScheduler({ profile: machine.profiles })));
  const rivalMs = RIVAL_KEYS.map((key) => {
    const curve = createCostCurve(machine.profiles, { maxPositions: WIDEST });
    return [key, play(new RIVALS[key]({ curve, draftMs: machine.draftMs, tunedPositions })).ms] as const;
  });
  return {
    ms: own.ms,
    tokensPerForward: stream.length / own.forwards,
    plainMs: replayFixed(stream, machine, 1).ms,
    bestFixed: bestFixed(course),
    clairvoyantMs: clairvoyantMs(stream, machine),
    rivalMs: Object.fromEntries(rivalMs),
  };
}

/** The fixed n of the least ms, the smaller one on ties. */
function bestFixed({ stream, machine }: Course): { positions: number; ms: number } {
  let best = { positions: 1, ms: Number.POSITIVE_INFINITY };
  for (const positions of FIXED) {
    const { ms } = replayFixed(stream, machine, positions);
    if (ms < best.ms) best = { positions, ms };
  }
  return best;
}
