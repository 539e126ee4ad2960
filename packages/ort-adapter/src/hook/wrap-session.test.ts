import { createScheduler, type Plan, type Scheduler } from "@nearfree/core";
import { sampleProfile } from "@nearfree/core/test";
import { InferenceSession, Tensor } from "onnxruntime-node";
import * as web from "onnxruntime-web";
import { describe, expect, it } from "vitest";
import type { RunnableSession } from "../runner/decoder-pass.ts";
import type { SessionIo } from "../runner/io-names.ts";
import { createSessionRunner } from "../runner/session-runner.ts";
import { describeSessionHookContract, listening } from "../testing/session-hook-suite.ts";
import { smallDecoder } from "../testing/small-decoder.ts";
import { wrapSession } from "./wrap-session.ts";

web.env.wasm.numThreads = 1;

const OPTIONS = { intraOpNumThreads: 1, logSeverityLevel: 4 } as const;

describeSessionHookContract("onnxruntime-node", {
  Tensor,
  create: (model) => InferenceSession.create(model, OPTIONS),
});
describeSessionHookContract("onnxruntime-web", {
  Tensor: web.Tensor,
  create: (model) => web.InferenceSession.create(model, { executionProviders: ["wasm"], logSeverityLevel: 4 }),
});

const STAIR = [1, 1.02, 1.03, 1.04, 1.9, 1.95, 1.96, 1.97];
const profile = { ...sampleProfile(0, STAIR), baseMs: 1 };

/** Shapes are all that the hook looks at: a session without weights, whose runs take scripted ms. */
function scriptedSession(inputs: readonly string[]) {
  let nowMs = 0;
  const done: Record<string, never> = {};
  const session = {
    inputNames: inputs,
    outputNames: ["logits"],
    inputMetadata: inputs.map((name) => ({ name, isTensor: true as const, type: "float32" as const, shape: [] })),
    outputMetadata: [],
    costMs: 1,
    async run() {
      await null;
      nowMs += this.costMs;
      return done;
    },
  };
  const feeds = (rows: number, past: number, batch = 1, capacity = past) => {
    const dims: Record<string, readonly number[]> = {
      input_ids: [batch, rows],
      inputs_embeds: [batch, rows, 64],
      attention_mask: [batch, past + rows],
    };
    const named = inputs.map((name) => [name, { dims: dims[name] ?? [batch, 2, capacity, 16] }]);
    return Object.fromEntries(named) as unknown as InferenceSession.FeedsType;
  };
  return { session: session as typeof session & RunnableSession & SessionIo, feeds, clock: () => nowMs, done };
}

const MASKED = ["input_ids", "attention_mask", "past_key_values.0.key", "past_key_values.0.value"];

describe("wrapSession", () => {
  it("returns the very object that the session returned", async () => {
    const { session, feeds, done } = scriptedSession(MASKED);
    expect(await wrapSession(session).run(feeds(3, 0))).toBe(done);
    expect(await wrapSession(Object.freeze(session)).run(feeds(3, 0))).toBe(done);
  });

  it.each([
    ["the mask", MASKED, 64],
    ["the cache, without a mask", ["input_ids", "past_key_values.0.key", "past_key_values.0.value"], undefined],
    ["embeddings", ["inputs_embeds", "attention_mask", "past_key_values.3.key"], undefined],
    ["names of onnxruntime-genai's older exports", ["input_ids", "past_0_key", "past_0_value"], undefined],
  ])("tells a decode forward by %s", async (_name, inputs, capacity) => {
    const { session, feeds, clock } = scriptedSession(inputs);
    const { scheduler, outcomes } = listening(createScheduler({ profile, policy: "near-free" }));
    const hook = wrapSession(session, { scheduler, clock });
    const step = async (rows: number, past: number, batch = 1) => {
      const plan = hook.plan({ draft: [1, 2, 3], confidence: [1, 1, 1] });
      expect(plan.rows).toBe(4);
      await hook.run(feeds(rows, past, batch, capacity));
      hook.observe([1]);
      return outcomes.at(-1)?.forwardMs;
    };
    session.costMs = 1.25;
    expect(await step(4, 20)).toBe(1.25);
    expect(await step(4, 20, 2)).toBe(0); // Several sequences.
    expect(await step(3, 20)).toBe(0); // Other rows than were planned.
    expect(await step(9, 20)).toBe(0); // More than the scheduler ever plans: a prompt's next chunk.
    const before = outcomes.length;
    await step(4, 0); // An empty cache: another sequence, which the plan was not made for.
    expect(outcomes.length).toBe(before);
    expect(await step(4, 4)).toBe(1.25);
  });

  it("takes no time from a step that ran twice", async () => {
    const { session, feeds, clock } = scriptedSession(MASKED);
    const { scheduler, outcomes } = listening(createScheduler({ profile }));
    const hook = wrapSession(session, { scheduler, clock });
    hook.plan({ draft: [1] });
    await hook.run(feeds(2, 20));
    await hook.run(feeds(2, 20));
    hook.observe([1]);
    expect(outcomes[0]).toMatchObject({ forwardMs: 0, emitted: 1 });
  });

  it("follows the context through feeds and emitted tokens, up to its limit", async () => {
    const { session, feeds } = scriptedSession(MASKED);
    const lengths: number[] = [];
    const plain = createScheduler({ profile, policy: "fixed", positions: 1, consistency: "tolerant" });
    const scheduler: Scheduler = {
      consistency: "tolerant",
      maxPositions: 4,
      minRows: 1,
      maxRows: 4,
      draftLimit: () => 3,
      plan(request): Plan {
        lengths.push(request.contextLength, request.rowLimit);
        return plain.plan(request);
      },
      observe: () => {},
    };
    const hook = wrapSession(session, { scheduler, contextLimit: 64 });
    await hook.run(feeds(40, 0));
    hook.plan({ draft: [] });
    await hook.run(feeds(4, 40));
    hook.observe([1, 2, 3]);
    hook.plan({ draft: [] });
    await hook.run(feeds(1, 63));
    expect(lengths).toEqual([40, 24, 43, 21]);
    expect(() => hook.plan({ draft: [] })).toThrow("plan: expected room for a forward of 1 rows, received 0");
  });

  it("chooses rows for blocks without a draft: near-free ones by profile, or those that bring the most for their price", async () => {
    const blocks = async (scheduler: Scheduler, commits: (rows: number) => number) => {
      const { session, feeds, clock } = scriptedSession(MASKED);
      const hook = wrapSession(session, { scheduler, clock });
      await hook.run(feeds(20, 0));
      let rows = 0;
      for (let block = 0; block < 200; block++) {
        rows = hook.plan({ rows: 8 }).rows;
        session.costMs = STAIR[rows - 1]!;
        for (let forward = 0; forward < 2; forward++) {
          await hook.run(feeds(rows, 20 + block * rows));
          hook.observe(commits(rows));
        }
      }
      return rows;
    };
    const bestValue = () => createScheduler({ profile, consistency: "tolerant" });
    expect(await blocks(createScheduler({ profile, policy: "near-free" }), () => 1)).toBe(4);
    expect(await blocks(bestValue(), (rows) => rows)).toBe(8); // Commits whatever it is given: the upper stair pays.
    expect(await blocks(bestValue(), (rows) => Math.min(rows, 3))).toBeLessThan(5); // Nothing is left for it to bring.
  });

  it("serves createSessionRunner as the session itself does, in place", async () => {
    const session = await InferenceSession.create(smallDecoder(), OPTIONS);
    const { scheduler, outcomes } = listening(createScheduler({ profile, consistency: "tolerant" }));
    const hook = wrapSession(session, {
      scheduler,
      clock: (() =>
        (
          (ms) => () =>
            ms++
        )(0))(),
    });
    const runner = await createSessionRunner(hook, { Tensor, contextLimit: 256 });
    const bare = await createSessionRunner(session, { Tensor, contextLimit: 256 });
    for (const each of [runner, bare]) await each.forward([1, 2, 3, 4, 5]);
    const { rows } = hook.plan({ draft: [7, 8, 9], confidence: [1, 1, 1] });
    const tokens = [6, 7, 8, 9].slice(0, rows);
    expect(await runner.forward(tokens)).toEqual(await bare.forward(tokens));
    hook.observe([7]);
    expect(outcomes.map(({ forwardMs }) => forwardMs)).toEqual([1]);
  });

  it("refuses what it cannot follow, in one line", () => {
    const { session } = scriptedSession(["input_ids", "attention_mask"]);
    expect(() => wrapSession(session)).toThrow(
      "[ort-adapter] KV cache: expected inputs like past_key_values.0.key, received inputs input_ids, attention_mask; pass",
    );
    const nameless = scriptedSession(["tokens", "past_key_values.0.key"]);
    expect(() => wrapSession(nameless.session)).toThrow("tokens: expected an input input_ids or inputs_embeds");
    expect(() => wrapSession(nameless.session, { ioNames: { tokens: "tokens" } })).not.toThrow();
    const masked = scriptedSession(MASKED);
    expect(() => wrapSession(masked.session, { contextLimit: 0 })).toThrow("contextLimit: expected an integer");
  });
});
