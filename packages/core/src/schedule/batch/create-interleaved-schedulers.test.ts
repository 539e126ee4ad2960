import { expect, it } from "vitest";
import { createDraft } from "../../contracts/drafter.ts";
import type { Scheduler } from "../../contracts/scheduler.ts";
import { createScores } from "../../contracts/scores.ts";
import { createNgramDrafter } from "../../decode/draft/ngram.ts";
import { LoopSteps } from "../../decode/loop-steps.ts";
import { verifyGreedy } from "../../decode/verify/greedy.ts";
import { sampleProfile } from "../../testing/sample-profile.ts";
import { createScriptedRunner } from "../../testing/scripted-runner.ts";
import { createScheduler } from "../create-scheduler.ts";
import { createInterleavedSchedulers } from "./create-interleaved-schedulers.ts";

const RATIOS = [1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7];
const profile = { ...sampleProfile(0, RATIOS), baseMs: 1 };

const plan = (scheduler: Scheduler, confidence: number) =>
  scheduler.plan({
    drafted: 7,
    confidence: new Float32Array(7).fill(confidence),
    positionLimit: 100,
    rowLimit: 100,
    contextLength: 256,
  });

function observe(scheduler: Scheduler, right: number, forwardMs: number): void {
  const scores = createScores(7);
  scores.length = Math.min(7, right + 1);
  for (let k = 0; k < scores.length; k++) {
    scores.position[k] = k;
    scores.confidence[k] = 0.6;
    scores.accepted[k] = k < right ? 1 : 0;
  }
  scheduler.observe({ emitted: right + 1, forwardMs, draftMs: 0, restMs: 0, scores });
}

it("shares what forwards cost and what drafts are worth, and keeps what a request alone is", () => {
  const create = createInterleavedSchedulers({ profile, consistency: "tolerant" });
  const [easy, hard] = [create(), create()];
  const before = plan(create(), 0.6).expectedTokens;
  for (let step = 0; step < 60; step++) {
    plan(easy, 0.6);
    const { rows } = plan(hard, 0.6); // Plans of one may come between plan and observe of another.
    observe(easy, 7, 2 * RATIOS[plan(easy, 0.6).rows - 1]!);
    observe(hard, 0, 2 * RATIOS[rows - 1]!);
  }
  expect(plan(easy, 0.6).positions).toBeGreaterThan(plan(hard, 0.6).positions);
  const fresh = plan(create(), 0.6);
  expect(fresh.expectedMs).toBeCloseTo(2 * RATIOS[fresh.rows - 1]!, 1);
  expect(fresh.expectedTokens).not.toBeCloseTo(before, 2);
});

it("serves requests in turns with the tokens that each has alone", async () => {
  const create = createInterleavedSchedulers({ profile });
  const requests = [3, 4, 5].map((seed) => {
    const runner = createScriptedRunner({ seed, costMs: (rows) => RATIOS[rows - 1]! });
    const drafter = createNgramDrafter();
    drafter.reset([1, 2]);
    return { seed, runner, drafter, draft: createDraft(7), steps: new LoopSteps(create()), text: [1, 2] };
  });
  for (const { runner } of requests) await runner.forward([1]);
  for (let turn = 0; turn < 100; turn++) {
    for (const { runner, drafter, draft, steps, text } of requests) {
      const from = runner.length;
      drafter.propose(steps.draftLimit(), draft);
      const { positions, rows } = steps.plan({ draft: draft.tokens.slice(0, draft.length) }, from);
      const input = [text.at(-1)!, ...draft.tokens.slice(0, positions - 1), ...new Array(rows - positions).fill(0)];
      const emitted = new Int32Array(positions);
      const accepted = verifyGreedy(await runner.forward(input), 64, draft.tokens, positions - 1, emitted);
      runner.rewind(from + accepted + 1);
      const out = emitted.slice(0, accepted + 1);
      drafter.learn(out, out.length);
      steps.observe(out, RATIOS[rows - 1]!, 0);
      text.push(...out);
    }
  }
  for (const { seed, text } of requests) {
    const alone = createScriptedRunner({ seed });
    const expected = [1, 2];
    await alone.forward([1]);
    while (expected.length < text.length) {
      const emitted = new Int32Array(1);
      verifyGreedy(await alone.forward([expected.at(-1)!]), 64, emitted, 0, emitted);
      expected.push(emitted[0]!);
    }
    expect(text).toEqual(expected);
    expect(text.length).toBeGreaterThan(102);
  }
});

it("refuses what createScheduler refuses, at once", () => {
  expect(() => createInterleavedSchedulers({ maxPositions: 0 })).toThrow("maxPositions");
  expect(createInterleavedSchedulers()().maxPositions).toBe(createScheduler().maxPositions);
});
