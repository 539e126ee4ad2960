import { describe, expect, it } from "vitest";
import type { Profile } from "../profile/profile.ts";
import type { SchedulerOptions } from "../schedule/create-scheduler.ts";
import { createScheduler } from "../schedule/create-scheduler.ts";
import { sampleProfile } from "../testing/sample-profile.ts";
import type { ScriptedModelOptions } from "../testing/scripted-runner.ts";
import { createScriptedRunner } from "../testing/scripted-runner.ts";
import { decodeAll } from "./decode.ts";
import { createNgramDrafter } from "./draft/ngram.ts";

// Whole decodes in simulated time: what the scheduler is worth, exactly and on any machine.

type Points = readonly (readonly [number, number])[];

/** Ratios for n = 1..32, straight between the points. */
function ratiosOf(points: Points): number[] {
  return Array.from({ length: 32 }, (_, i) => {
    const right = points.findIndex(([n]) => n >= i + 1);
    const [n1, r1] = points[right]!;
    const [n0, r0] = points[Math.max(0, right - 1)]!;
    return n1 === n0 ? r1 : r0 + ((r1 - r0) * (i + 1 - n0)) / (n1 - n0);
  });
}

const CURVES: Record<string, readonly number[]> = {
  // As measured on a small decoder on a CPU, fp32 and int4; then shapes that other kernels have.
  fp32: ratiosOf([
    [1, 1],
    [2, 1.05],
    [3, 1.06],
    [4, 1.11],
    [6, 1.23],
    [8, 1.45],
    [12, 1.7],
    [16, 2.03],
    [24, 2.58],
    [32, 3.29],
  ]),
  int4: ratiosOf([
    [1, 1],
    [2, 1.12],
    [3, 1.26],
    [4, 1.33],
    [6, 1.51],
    [8, 1.75],
    [16, 2.54],
    [32, 3.95],
  ]),
  cliff: ratiosOf([
    [1, 1],
    [2, 3],
    [16, 3.2],
    [32, 3.5],
  ]),
  tiles: Array.from({ length: 32 }, (_, i) => 1 + 0.35 * Math.floor(i / 8)),
  linear: Array.from({ length: 32 }, (_, i) => 1 + 0.74 * i),
};

const TEXTS: Record<string, ScriptedModelOptions> = {
  repetitive: { repetition: 0.97 },
  mixed: { repetition: 0.7 },
  varied: { repetition: 0.3 },
  switching: { repetition: (length) => (Math.floor(length / 300) % 2 === 0 ? 0.1 : 0.97) },
};

const FIXED = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32];
const SEEDS = [7, 11];
const TOKENS = 3000;

function profileOf(ratios: readonly number[]): Profile {
  const all = ratios.map((_, i) => i + 1);
  return {
    ...sampleProfile(0, ratios),
    baseMs: 1,
    invariance: { classes: [all], maxDifference: 0, rows: 32, argmaxFlips: 0 },
  };
}

/** Simulated ms over all seeds, one scheduler after the other texts as in a real process. */
async function msOf(text: ScriptedModelOptions, ratios: readonly number[], options: SchedulerOptions): Promise<number> {
  const scheduler = createScheduler({ ...options, profile: profileOf(ratios) });
  let ms = 0;
  for (const seed of SEEDS) {
    const runner = createScriptedRunner({
      ...text,
      seed,
      contextLimit: TOKENS + 8,
      costMs: (rows) => ratios[rows - 1]!,
    });
    const { clock } = runner;
    const drafter = createNgramDrafter();
    const { stats } = await decodeAll({ runner, scheduler, drafter, clock, prompt: [1, 2], maxNewTokens: TOKENS });
    ms += stats.forwardMs;
  }
  return ms;
}

/** Speed of best-value over that of plain, and over that of the best fixed n in hindsight. */
async function worthOf(
  text: ScriptedModelOptions,
  ratios: readonly number[],
): Promise<{ plain: number; best: number }> {
  const fixed = [];
  for (const positions of FIXED) fixed.push(await msOf(text, ratios, { policy: "fixed", positions }));
  const chosen = await msOf(text, ratios, {});
  return { plain: fixed[0]! / chosen, best: Math.min(...fixed) / chosen };
}

describe("best-value in simulated time", () => {
  for (const [name, text] of Object.entries(TEXTS)) {
    it(`keeps up with plain, and with the best fixed n over all curves: ${name} text`, async () => {
      let logs = 0;
      for (const ratios of Object.values(CURVES)) {
        const { plain, best } = await worthOf(text, ratios);
        expect(plain).toBeGreaterThanOrEqual(0.995);
        expect(best).toBeGreaterThanOrEqual(0.985);
        logs += Math.log(best);
      }
      expect(Math.exp(logs / Object.keys(CURVES).length)).toBeGreaterThanOrEqual(0.99);
    });
  }
});
