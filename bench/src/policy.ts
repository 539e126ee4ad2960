import { createNgramDrafter, createScheduler } from "@nearfree/core";
import { benchCommand } from "./bench-command.ts";
import { REPLAY_CURVES } from "./policy-curves.ts";
import { SchedulerPlayer } from "./policy-player.ts";
import { RECORDED_VARIANTS, recordings } from "./policy-recording.ts";
import { replay, replayFixed } from "./policy-replay.ts";
import { withDrafts } from "./policy-stream.ts";
import { createCourse, segmentsByAcceptance, TRAFFICS } from "./policy-traffic.ts";

const FIXED = [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 20, 24, 32];

await benchCommand("policy", "every rule for choosing positions on the same traces", async ({ quick }, say) => {
  const seeds = quick ? 5 : 20;
  const drafter = createNgramDrafter();
  const ranked = new Map(
    await Promise.all(
      RECORDED_VARIANTS.map(async (variant) => {
        const texts = (await recordings(variant, say)).map((recording) => withDrafts(recording, drafter));
        return [variant, segmentsByAcceptance(texts)] as const;
      }),
    ),
  );
  const cells = [];
  for (const curve of REPLAY_CURVES) {
    for (const traffic of TRAFFICS) {
      let logBest = 0;
      let logPlain = 0;
      const bestN: number[] = [];
      let tokensPerForward = 0;
      for (let seed = 1; seed <= seeds; seed++) {
        const { stream, machine, noise } = createCourse(curve, traffic, ranked.get(curve.variant)!, seed);
        const player = new SchedulerPlayer("nearfree", createScheduler({ profile: machine.profiles }));
        const ours = replay(stream, machine, player, noise);
        const fixed = FIXED.map((n) => replayFixed(stream, machine, n).ms);
        const best = Math.min(...fixed);
        bestN.push(FIXED[fixed.indexOf(best)]!);
        logBest += Math.log(best / ours.ms) / seeds;
        logPlain += Math.log(fixed[0]! / ours.ms) / seeds;
        tokensPerForward += stream.length / ours.forwards / seeds;
      }
      bestN.sort((a, b) => a - b);
      const cell = {
        curve: curve.name,
        traffic: traffic.name,
        overBestFixed: Math.exp(logBest),
        overPlain: Math.exp(logPlain),
        bestN: bestN[seeds >> 1]!,
        tokensPerForward,
      };
      say(
        `${curve.name.padEnd(12)}${traffic.name.padEnd(16)}over best fixed ${cell.overBestFixed.toFixed(3)} (n = ${cell.bestN})  over plain ${cell.overPlain.toFixed(3)}  ${tokensPerForward.toFixed(2)} tokens a forward`,
      );
      cells.push({ ...cell, mixed: traffic.mixed });
    }
  }
  const geomean = (values: readonly number[]) =>
    Math.exp(values.reduce((sum, v) => sum + Math.log(v), 0) / values.length);
  return {
    summary: {
      overBestFixedMin: Math.min(...cells.map((cell) => cell.overBestFixed)),
      overBestFixedMixed: geomean(cells.filter((cell) => cell.mixed).map((cell) => cell.overBestFixed)),
      worstLossVsOne: 1 - Math.min(...cells.map((cell) => cell.overPlain)),
    },
    cells,
  };
});
