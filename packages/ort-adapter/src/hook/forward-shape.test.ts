import { createScheduler, type Plan, type PlanRequest, type Scheduler } from "@nearfree/core";
import { sampleProfile } from "@nearfree/core/test";
import { InferenceSession, type OnnxValue, Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { listening } from "../testing/session-hook-suite.ts";
import { TELLING_WINDOW, type TellingDecoderOptions, tellingDecoder } from "../testing/telling-decoder.ts";
import { type WrapSessionOptions, wrapSession } from "./wrap-session.ts";

const OPTIONS = { intraOpNumThreads: 1, logSeverityLevel: 4 } as const;
/** Eight positions for the price of one, all of them with the same bits. */
const all = [1, 2, 3, 4, 5, 6, 7, 8];
const profile = {
  ...sampleProfile(
    0,
    all.map(() => 1),
  ),
  baseMs: 1,
  invariance: { classes: [all], maxDifference: 0, rows: 8, argmaxFlips: 0 },
};
const CAPACITY = 64;
const DRAFT = [1, 2, 3];

const int64 = (dims: readonly number[]) => {
  const size = dims.reduce((product, dim) => product * dim, 1);
  return new Tensor("int64", new BigInt64Array(size).fill(1n), dims);
};
const zeros = (dims: readonly number[]) =>
  new Tensor("float32", new Float32Array(dims.reduce((a, b) => a * b, 1)), dims);

interface LoopOptions extends WrapSessionOptions {
  /** The mask spans the whole capacity, as loops with a static cache write it. */
  readonly fullMask?: boolean;
  /** The session describes nothing, as before ONNX Runtime 1.22. */
  readonly undescribed?: boolean;
  readonly prompt?: number;
}

/**
 * A loop of eight steps that accepts every draft token, on a real session: what was planned for each step, on how long a context, what was
 * timed, and what was said.
 */
async function loop(
  decoder: TellingDecoderOptions,
  { fullMask, undescribed, prompt = 10, ...options }: LoopOptions = {},
) {
  const session = await InferenceSession.create(tellingDecoder(decoder), OPTIONS);
  const { inputNames, outputNames } = session;
  const bare = undescribed ? { inputNames, outputNames, run: session.run.bind(session) } : session;
  const warnings: string[] = [];
  const contexts: number[] = [];
  const chosen = createScheduler({ profile, policy: "near-free" });
  const plan = chosen.plan.bind(chosen);
  const noting: Scheduler = Object.assign(chosen, {
    plan(request: PlanRequest) {
      contexts.push(request.contextLength);
      return plan(request);
    },
  });
  const { scheduler, outcomes } = listening(noting);
  let ms = 0;
  const onWarning = (message: string) => warnings.push(message);
  const hook = wrapSession(bare, { scheduler, onWarning, clock: () => ms++, ...options });
  const packed = decoder.cache === "packed";
  const past = packed ? "past_0" : "past_key_values.0.key";
  const present = past.replace(/^past(_key_values)?/, "present");
  const cacheOf = (length: number) => zeros([...(packed ? [2] : []), 1, 1, length, 4]);
  let cache: OnnxValue = cacheOf(decoder.cache === "fixed" ? CAPACITY : decoder.branch ? 1 : 0);
  let cached = 0;
  const forward = async (rows: number) => {
    const total = fullMask ? CAPACITY : cached + rows;
    const masks = { new: [1, rows], square: [1, 1, rows, total], total: [1, total], none: undefined };
    const mask = masks[decoder.mask ?? "total"];
    const results = await hook.run({
      input_ids: int64(decoder.ids === "flat" ? [rows] : [1, rows]),
      [past]: cache,
      ...(mask && { attention_mask: int64(mask) }),
      ...(decoder.branch && { use_cache_branch: new Tensor("bool", Uint8Array.of(cached > 0 ? 1 : 0), [1]) }),
    });
    cache = results[present]!;
    cached += rows;
  };
  await forward(prompt);
  const plans: Pick<Plan, "positions" | "rows" | "reason">[] = [];
  const lengths: number[] = [];
  for (let step = 0; step < 8; step++) {
    const { positions, rows, reason } = hook.plan({ draft: DRAFT.slice(0, hook.draftLimit()) });
    plans.push({ positions, rows, reason });
    lengths.push(cached);
    await forward(rows);
    hook.observe(new Array(rows).fill(1));
  }
  return {
    plans,
    rows: plans.map(({ rows }) => rows),
    contexts,
    lengths,
    timed: outcomes.map(({ forwardMs }) => forwardMs),
    warnings,
  };
}

describe("a hook follows", () => {
  it.each<[string, TellingDecoderOptions, LoopOptions?]>([
    ["a cache that grows, and its mask", {}],
    ["a cache that grows, without a mask", { mask: "none" }],
    ["a mask of the new tokens alone", { mask: "new" }],
    ["a mask with a row for each query", { mask: "square" }],
    ["token ids of rank 1", { ids: "flat" }],
    ["keys and values in one tensor", { cache: "packed" }],
    ["a merged export, whose first past is a dummy", { branch: true }],
    ["a merged export without a mask", { branch: true, mask: "none" }],
    ["a cache of fixed capacity, by its mask", { cache: "fixed" }],
    ["a session that describes nothing", {}, { undescribed: true }],
    ["keys and values in one tensor of a session that describes nothing", { cache: "packed" }, { undescribed: true }],
  ])("%s", async (_name, decoder, options) => {
    const { rows, contexts, lengths, timed, warnings } = await loop(decoder, options);
    expect(rows).toEqual(Array(8).fill(4));
    expect(contexts).toEqual(lengths);
    expect(timed).toEqual(Array(8).fill(1));
    expect(warnings).toEqual([]);
  });
});

describe("a hook that cannot follow plans one position, and says why once:", () => {
  it.each<[string, TellingDecoderOptions, LoopOptions, string]>([
    [
      "a fixed capacity without a mask",
      { cache: "fixed", mask: "none" },
      {},
      "past_key_values.0.key holds 64 positions whatever was run, and no mask [1, total] tells",
    ],
    [
      "a fixed capacity and a mask of all of it",
      { cache: "fixed" },
      { fullMask: true },
      "attention_mask [1, 64] says the same at every forward",
    ],
    [
      "a fixed capacity and a mask of the new tokens",
      { cache: "fixed", mask: "new" },
      {},
      "says the same at every forward",
    ],
    ["a fixed capacity and a mask of rank 4", { cache: "fixed", mask: "square" }, {}, "no mask [1, total] tells"],
    ["a window that forgets", { cache: "clipped" }, {}, `keeps the last ${TELLING_WINDOW} positions of`],
    ["a head that turns out to be pruned", { pruned: "unsaid" }, {}, "logits of 1 rows came of a forward of 4"],
    [
      "rows that depend on each other",
      {},
      { traits: { dependence: "one scale for all rows" } },
      "rows depend on each other: one scale for all rows",
    ],
  ])("%s", async (_name, decoder, options, reason) => {
    const { plans, timed, warnings } = await loop(decoder, options);
    expect(plans.at(-1)).toEqual({ positions: 1, rows: 1, reason: expect.any(String) });
    expect(plans.slice(3).map(({ rows }) => rows)).toEqual(Array(5).fill(1));
    expect(warnings).toEqual([expect.stringContaining(reason)]);
    expect(warnings[0]).toMatch(/^\[ort-adapter\] wrapSession: one position is planned [^\n]{0,300}$/);
    expect(timed.length).toBeLessThanOrEqual(8);
  });
});

describe("a hook refuses, as a runner does,", () => {
  it.each<[string, TellingDecoderOptions, string]>([
    [
      "state that does not rewind",
      { state: true },
      "state past_conv.0: expected a KV cache that rewinds by length, received recurrent or convolutional state; use",
    ],
    [
      "a pruned head",
      { pruned: "said" },
      "output logits: expected logits of every position, received float32 [batch_size, 1, 4]; export",
    ],
  ])("%s", async (_name, decoder, message) => {
    const session = await InferenceSession.create(tellingDecoder(decoder), OPTIONS);
    const expected = { code: "unsupported-model", message: expect.stringContaining(`[ort-adapter] ${message}`) };
    expect(() => wrapSession(session)).toThrow(expect.objectContaining(expected));
  });
});

describe("walls", () => {
  it("are crossed by no forward, padding included", async () => {
    const { rows, lengths, contexts } = await loop({}, { traits: { walls: [5, 16, 23] } });
    expect(contexts).toEqual(lengths);
    for (const wall of [16, 23]) {
      expect(lengths.some((length, i) => length < wall && length + rows[i]! > wall)).toBe(false);
      expect(lengths).toContain(wall);
    }
    expect(Math.max(...rows)).toBe(4);
  });

  it("leave one row where even padding would cross", async () => {
    const session = await InferenceSession.create(tellingDecoder(), OPTIONS);
    const scheduler = createScheduler({
      profile: {
        ...profile,
        invariance: { ...profile.invariance, classes: [[1], all.slice(1)], maxDifference: 1, argmaxFlips: 1 },
      },
      policy: "near-free",
    });
    expect(scheduler.minRows).toBe(2);
    const hook = wrapSession(session, { scheduler, traits: { walls: [11] } });
    await hook.run({
      input_ids: int64([1, 10]),
      attention_mask: int64([1, 10]),
      "past_key_values.0.key": zeros([1, 1, 0, 4]),
    });
    expect(hook.plan({ draft: hook.draftLimit() === 0 ? [] : DRAFT })).toMatchObject({
      positions: 1,
      rows: 1,
      reason: "limit",
    });
  });
});
