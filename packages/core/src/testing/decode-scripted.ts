import { expect } from "vitest";
import type { Drafter } from "../contracts/drafter.ts";
import type { Scheduler } from "../contracts/scheduler.ts";
import { decodeAll } from "../decode/decode.ts";
import type { Profile } from "../profile/profile.ts";
import { createScheduler } from "../schedule/create-scheduler.ts";
import { sampleProfile } from "./sample-profile.ts";
import { createScriptedRunner, type ScriptedModelOptions } from "./scripted-runner.ts";

const RATIOS = Array.from({ length: 16 }, (_, i) => 1 + 0.04 * i);
const CLASSES = [[1], Array.from({ length: 15 }, (_, i) => i + 2)];

/** A profile of a machine where one row has kernels of its own, with as many changed choices in its samples. */
export function invariantProfile(argmaxFlips: number): Profile {
  return { ...sampleProfile(0, RATIOS), invariance: { classes: CLASSES, maxDifference: 1e-5, rows: 16, argmaxFlips } };
}

export const plainScheduler = () => createScheduler({ policy: "fixed", positions: 1 });

/** One whole decode; cache and counts are in order after it. */
export async function decodeScripted(
  model: ScriptedModelOptions,
  scheduler: Scheduler,
  prompt: number[],
  drafter?: Drafter,
) {
  const runner = createScriptedRunner(model);
  const { clock } = runner;
  const { tokens, stats } = await decodeAll({ runner, scheduler, prompt, drafter, clock, maxNewTokens: 120 });
  expect(runner.cached).toEqual([...prompt, ...tokens].slice(0, -1));
  expect(stats.tokens).toBe(tokens.length);
  expect(stats.tokens).toBe(stats.forwards + stats.accepted);
  return { tokens, stats };
}
