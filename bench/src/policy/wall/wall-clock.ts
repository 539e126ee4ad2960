import { createRandom, median, shuffled } from "@nearfree/calibrate";
import { loadOrCalibrate, type OpenModel, openModel } from "@nearfree/calibrate/node";
import {
  createCostCurve,
  createNgramDrafter,
  createScheduler,
  decodeAll,
  type Profile,
  type Scheduler,
} from "@nearfree/core";
import { heldOutPrompts, PROMPT_KINDS, tinyTs } from "@nearfree/examples";
import { type Machine, WIDEST } from "./machine.ts";
import { type Player, SchedulerPlayer } from "./player.ts";
import type { RecordedVariant } from "./recording.ts";
import { replay } from "./replay.ts";
import { PlayerScheduler } from "./rivals/player-scheduler.ts";
import { RIVALS } from "./rivals/rivals.ts";
import { createStream, type Stream, withDrafts } from "./stream.ts";

/** One: the second core is left to garbage collection, whose helpers wait for spinning workers otherwise. */
const THREADS = 1;
const FIXED = [1, 4, 8];

interface WallCell {
  readonly name: string;
  readonly variant: RecordedVariant;
  /** Tokens that every prompt is brought to by other held-out text before it; 0 leaves it as it is. */
  readonly contextLength: number;
}
const WALL_CELLS: readonly WallCell[] = [
  { name: "fp32", variant: "fp32", contextLength: 0 },
  { name: "int4", variant: "int4", contextLength: 0 },
  { name: "fp32, context 768", variant: "fp32", contextLength: 768 },
];

export interface WallSize {
  readonly promptsPerKind: number;
  readonly newTokens: number;
  readonly repeats: number;
}

/** One rule in the real loop and in the replay: its speed over the plain loop's. */
export interface WallArm {
  readonly arm: string;
  readonly wall: number;
  readonly replayed: number;
}

export interface WallResult {
  readonly cell: string;
  readonly arms: readonly WallArm[];
  /** Prompts on which every arm gave the same tokens. */
  readonly identical: number;
  readonly prompts: number;
}

/** A rule as what the loop takes, and as what the replay takes: each with a state of its own. */
interface Arm {
  readonly name: string;
  readonly scheduler: Scheduler;
  readonly player: Player;
  /** [prompt]: what each repeat took. */
  readonly runs: Run[][];
}

/** One decode: rows and ms of its forwards, and ms beside them. */
interface Run {
  readonly rows: number[];
  readonly ms: number[];
  restMs: number;
}

/** A forward that takes longer than this many times the median of its rows was held up by something else, and counts as that long. */
const HELD_UP = 2;

/**
 * Runs the rules by the clock, in turns, and replays them on the same texts with the forward times by rows of the same run: what remains
 * between the two is what the replay leaves out.
 */
export async function wallClock(size: WallSize, say: (line: string) => void): Promise<WallResult[]> {
  const results: WallResult[] = [];
  for (const cell of WALL_CELLS) {
    const model = await openModel(await tinyTs(cell.variant), { threads: THREADS });
    const { profile } = await loadOrCalibrate(model);
    const result = await playByTheClock(cell, model, profile, size);
    await model.release();
    for (const { arm, wall, replayed } of result.arms) {
      say(
        `${cell.name.padEnd(18)}${arm.padEnd(10)} over plain: wall ${wall.toFixed(3)}  replay ${replayed.toFixed(3)}`,
      );
    }
    results.push(result);
  }
  return results;
}

async function playByTheClock(cell: WallCell, model: OpenModel, profile: Profile, size: WallSize): Promise<WallResult> {
  const prompts = await promptsOf(cell, model, size);
  const arms = createArms(profile, prompts.length);
  const texts: number[][] = [];
  const same = new Set(prompts.keys());
  const random = createRandom(1);
  for (const arm of arms) await generate(arm, model, prompts[0]!, { newTokens: 32 });
  for (let repeat = 0; repeat < size.repeats; repeat++) {
    for (const at of shuffled([...prompts.keys()], random)) {
      const prompt = prompts[at]!;
      let cached = 0;
      for (const arm of shuffled(arms, random)) {
        const { tokens, run } = await generate(arm, model, prompt, { newTokens: size.newTokens, cached });
        cached = prompt.length - 1;
        arm.runs[at]!.push(run);
        texts[at] ??= tokens;
        if (tokens.join() !== texts[at].join()) same.delete(at);
      }
    }
  }
  const drafter = createNgramDrafter();
  const segments = texts.map((tokens, at) => {
    const recording = { id: `${at}`, kind: "continue" as const, prompt: prompts[at]!, tokens };
    return { text: withDrafts(recording, drafter), from: 0, to: tokens.length };
  });
  const stream = createStream(segments, { as: "requests" });
  const usualMs = usualMsOf(arms, profile);
  const machine = machineOf(arms, usualMs, stream, profile);
  const quiet = new Float64Array(stream.length).fill(1);
  const replayedMs = arms.map(({ player }) => replay(stream, machine, player, quiet).ms);
  const wallMs = arms.map(({ runs }) => {
    return runs.reduce((sum, repeats) => sum + median(repeats.map((run) => msOf(run, usualMs))), 0);
  });
  return {
    cell: cell.name,
    arms: arms.slice(1).map(({ name }, i) => ({
      arm: name,
      wall: wallMs[0]! / wallMs[i + 1]!,
      replayed: replayedMs[0]! / replayedMs[i + 1]!,
    })),
    identical: same.size,
    prompts: prompts.length,
  };
}

async function promptsOf({ contextLength }: WallCell, model: OpenModel, size: WallSize): Promise<number[][]> {
  const all = await heldOutPrompts();
  const chosen = PROMPT_KINDS.flatMap((kind) => all.filter((each) => each.kind === kind).slice(0, size.promptsPerKind));
  const before = Array.from(
    model.codec!.encode(
      all
        .map(({ prompt }) => prompt)
        .reverse()
        .join("\n"),
    ),
  );
  return chosen.map(({ prompt }) => {
    const tokens = Array.from(model.codec!.encode(prompt));
    return [...before.slice(0, Math.max(0, contextLength - tokens.length)), ...tokens];
  });
}

/** The plain loop first. Every arm keeps to the invariance class that the scheduled loop keeps to, so all give the same tokens. */
function createArms(profile: Profile, prompts: number): Arm[] {
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
async function generate(
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

function allRuns(arms: readonly Arm[]): Run[] {
  return arms.flatMap(({ runs }) => runs.flat());
}

/** [rows-1]: the median ms of such forwards; by the profile, scaled to the others, for rows that no arm ran. */
function usualMsOf(arms: readonly Arm[], profile: Profile): Float64Array {
  const seen = Array.from({ length: WIDEST }, (): number[] => []);
  for (const { rows, ms } of allRuns(arms)) for (let i = 0; i < rows.length; i++) seen[rows[i]! - 1]!.push(ms[i]!);
  const { costMs } = createCostCurve(profile, { maxPositions: WIDEST });
  const profiled = (i: number) => costMs[Math.min(i, costMs.length - 1)]!;
  const usual = seen.map(median);
  const scale = median(usual.map((ms, i) => ms / profiled(i)).filter(Number.isFinite));
  return Float64Array.from(usual, (ms, i) => (Number.isNaN(ms) ? scale * profiled(i) : ms));
}

/** ms of a run without what held its forwards up. */
function msOf({ rows, ms, restMs }: Run, usualMs: Float64Array): number {
  return ms.reduce((sum, each, i) => sum + Math.min(each, HELD_UP * usualMs[rows[i]! - 1]!), restMs);
}

/** Mean ms by rows, as the arms met them, and of the rest of a step. */
function machineOf(arms: readonly Arm[], usualMs: Float64Array, stream: Stream, profile: Profile): Machine {
  const sum = new Float64Array(WIDEST);
  const count = new Float64Array(WIDEST);
  let [restMs, forwards] = [0, 0];
  for (const { rows, ms, restMs: rest } of allRuns(arms)) {
    restMs += rest;
    forwards += rows.length;
    for (let i = 0; i < rows.length; i++) {
      const at = rows[i]! - 1;
      sum[at]! += Math.min(ms[i]!, HELD_UP * usualMs[at]!);
      count[at]!++;
    }
  }
  const table = usualMs.map((usual, i) => (count[i]! > 0 ? sum[i]! / count[i]! : usual) + restMs / forwards);
  return {
    levels: new Float64Array(stream.length).fill(1),
    kernels: new Uint8Array(stream.length),
    tables: [table],
    perContextMs: new Float64Array(WIDEST),
    draftMs: 0,
    profiles: [profile],
  };
}
