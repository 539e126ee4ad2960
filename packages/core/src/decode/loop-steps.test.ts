import { describe, expect, it } from "vitest";
import { createDraft } from "../contracts/drafter.ts";
import type { Outcome, PlanRequest, Scheduler } from "../contracts/scheduler.ts";
import { createScheduler } from "../schedule/create-scheduler.ts";
import { sampleProfile } from "../testing/sample-profile.ts";
import { createScriptedRunner } from "../testing/scripted-runner.ts";
import { decodeAll } from "./decode.ts";
import { createNgramDrafter } from "./draft/ngram.ts";
import { DEFAULT_CONFIDENCE, LoopSteps } from "./loop-steps.ts";
import { verifyGreedy } from "./verify/greedy.ts";

const RATIOS = [1, 1.05, 1.06, 1.08, 1.5, 1.5, 1.5, 1.5];

/** A scheduler that keeps what it was told; its plans run everything at hand. */
function recorder(maxPositions = 8) {
  const requests: (PlanRequest & { readonly confidences: readonly number[] })[] = [];
  const outcomes: (Outcome & { readonly scored: readonly (readonly number[])[] })[] = [];
  const plan = { positions: 1, rows: 1, expectedMs: 1, expectedTokens: 1, reason: "fixed" as const };
  const scheduler: Scheduler = {
    consistency: "tolerant",
    maxPositions,
    minRows: 2,
    maxRows: maxPositions,
    draftLimit: () => maxPositions - 1,
    plan(request) {
      requests.push({ ...request, confidences: [...request.confidence.subarray(0, request.drafted)] });
      plan.positions = Math.min(1 + request.drafted, request.positionLimit);
      plan.rows = Math.max(2, plan.positions);
      return plan;
    },
    observe(outcome) {
      const { length, position, confidence, accepted } = outcome.scores;
      const scored = Array.from({ length }, (_, i) => [position[i]!, confidence[i]!, accepted[i]!]);
      outcomes.push({ ...outcome, scored });
    },
  };
  return { scheduler, requests, outcomes };
}

describe("LoopSteps", () => {
  it("tells the scheduler of the draft at hand, with a confidence for each token, and of the limits", () => {
    const { scheduler, requests } = recorder();
    const steps = new LoopSteps(scheduler);
    expect(steps.plan({ draft: [5, 6, 7], confidence: [0.5, 0.25, 1] }, 40, 9)).toMatchObject({
      positions: 4,
      rows: 4,
    });
    expect(requests[0]).toMatchObject({ drafted: 3, confidences: [0.5, 0.25, 1], contextLength: 40, rowLimit: 9 });
    expect(requests[0]!.positionLimit).toBe(Number.POSITIVE_INFINITY);
    expect(steps.plan({ draft: Int32Array.of(5, 6), limit: 2 }, 41)).toMatchObject({ positions: 2, rows: 2 });
    expect(requests[1]).toMatchObject({ drafted: 2, confidences: [DEFAULT_CONFIDENCE, DEFAULT_CONFIDENCE] });
    expect(steps.plan({ draft: [] }, 42)).toMatchObject({ positions: 1, rows: 2 });
    expect(steps.rows).toBe(2);
    steps.plan({ draft: new Int32Array(50) }, 42);
    expect(requests.at(-1)).toMatchObject({ drafted: 7 });
    steps.plan({ rows: 5 }, 42);
    expect(requests.at(-1)).toMatchObject({ drafted: 4 });
  });

  it("scores drafts against what came out, verified or not, over as many steps as that takes", () => {
    const { scheduler, outcomes } = recorder();
    const steps = new LoopSteps(scheduler);
    steps.plan({ draft: [5, 6, 7], confidence: [1, 0.5, 0.25], limit: 1, draftMs: 0.5 }, 40);
    steps.observe([5], 2, 0.125);
    expect(outcomes[0]).toMatchObject({ emitted: 1, forwardMs: 2, draftMs: 0.5, restMs: 0.125, scored: [[0, 1, 1]] });
    steps.plan({ draft: [] }, 41);
    steps.observe(Int32Array.of(6, 9), 0, 0);
    expect(outcomes[1]!.scored).toEqual([
      [1, 0.5, 1],
      [2, 0.25, 0],
    ]);
    expect(outcomes[1]).toMatchObject({ emitted: 2, forwardMs: 0, draftMs: 0 });
  });

  it("takes a number for the tokens of a step, as often as the step is run", () => {
    const { scheduler, outcomes } = recorder();
    const steps = new LoopSteps(scheduler);
    steps.plan({ rows: 4 }, 40);
    for (const count of [4, 2, 0]) steps.observe(count, 1, 0);
    const scored = (...accepted: number[]) => accepted.map((yes, k) => [k, DEFAULT_CONFIDENCE, yes]);
    expect(outcomes.map((outcome) => outcome.scored)).toEqual([scored(1, 1, 1), scored(1, 0), scored()]);
  });

  it("forgets its drafts where another sequence begins, and learns nothing before the first plan", () => {
    const { scheduler, outcomes } = recorder();
    const steps = new LoopSteps(scheduler);
    steps.observe([3], 1, 0);
    steps.plan({ draft: [5, 6], limit: 1 }, 40);
    steps.reset();
    steps.observe([5], 1, 0);
    steps.plan({ draft: [] }, 3);
    steps.observe([5], 1, 0);
    expect(outcomes.map(({ scored }) => scored)).toEqual([[]]);
  });

  it("does not take another sequence's plan for its own", () => {
    const { scheduler, outcomes } = recorder();
    const [one, two] = [new LoopSteps(scheduler), new LoopSteps(scheduler)];
    one.plan({ draft: [5, 6] }, 40);
    two.plan({ draft: [7, 8, 9] }, 80);
    one.observe([5], 1, 0);
    expect(outcomes).toHaveLength(0);
    two.observe([7], 1, 0);
    expect(outcomes).toHaveLength(1);
  });

  it("refuses what no step can be", () => {
    const steps = new LoopSteps(recorder().scheduler);
    for (const rows of [0, 1.5, Number.NaN]) expect(() => steps.plan({ rows }, 1)).toThrow("rows: expected an integer");
    for (const limit of [0, 2.5, Number.NaN])
      expect(() => steps.plan({ draft: [], limit }, 1)).toThrow("limit: expected");
    expect(() => steps.plan({ draft: [] }, 63, 1)).toThrow(expect.objectContaining({ code: "context-exceeded" }));
    for (const count of [-1, 0.5, Number.NaN]) expect(() => steps.observe(count, 1, 0)).toThrow("emitted: expected");
  });
});

it("plans as the decode loop does when it is told the same", async () => {
  const profile = { ...sampleProfile(0, RATIOS), baseMs: 1 };
  const prompt = [1, 2, 3];
  const options = { seed: 5, contextLimit: 512, costMs: (rows: number) => RATIOS[rows - 1] ?? 2 };
  const reference = createScriptedRunner(options);
  const expected = await decodeAll({
    runner: reference,
    clock: reference.clock,
    scheduler: createScheduler({ profile }),
    drafter: createNgramDrafter(),
    prompt,
    maxNewTokens: 400,
  });

  const runner = createScriptedRunner(options);
  const steps = new LoopSteps(createScheduler({ profile }));
  const drafter = createNgramDrafter();
  const draft = createDraft(7);
  const tokens: number[] = [...prompt];
  const trace: number[] = [];
  drafter.reset(prompt);
  await runner.forward(prompt.slice(0, -1));
  while (tokens.length < 400 + prompt.length) {
    const wanted = 400 + prompt.length - tokens.length;
    drafter.propose(Math.min(steps.draftLimit(), wanted - 1), draft);
    const atHand = draft.tokens.subarray(0, draft.length);
    const from = runner.length;
    const { positions, rows } = steps.plan(
      { draft: atHand, confidence: draft.confidence, limit: wanted },
      from,
      512 - from,
    );
    const input = [tokens.at(-1)!, ...atHand.subarray(0, positions - 1)];
    while (input.length < rows) input.push(input.at(-1)!);
    const beganMs = runner.clock();
    const logits = await runner.forward(input);
    const emitted = new Int32Array(positions);
    const accepted = verifyGreedy(logits, 64, draft.tokens, positions - 1, emitted);
    runner.rewind(from + accepted + 1);
    const out = emitted.subarray(0, accepted + 1);
    drafter.learn(out, out.length);
    steps.observe(out, runner.clock() - beganMs, 0);
    tokens.push(...out);
    trace.push(positions);
  }
  expect(tokens.slice(prompt.length)).toEqual(expected.tokens);
  expect(trace).toEqual([...expected.stats.trace]);
});
