import { createRandom, median, shuffled } from "@nearfree/calibrate";
import { loadOrCalibrate, type OpenModel, openModel } from "@nearfree/calibrate/node";
import { createNgramDrafter, type Profile } from "@nearfree/core";
import { heldOutPrompts, PROMPT_KINDS, tinyTs } from "@nearfree/examples";
import type { RecordedVariant } from "../recording.ts";
import { replay } from "../replay.ts";
import { createStream, withDrafts } from "../stream.ts";
import { createArms, generate } from "./arms.ts";
import { machineOf, msOf, usualMsOf } from "./forward-times.ts";

/** One: the second core is left to garbage collection, whose helpers wait for spinning workers otherwise. */
const THREADS = 1;

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
