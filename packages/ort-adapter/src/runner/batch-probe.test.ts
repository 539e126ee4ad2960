import type { Probe } from "@nearfree/core/measure";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { countingDecoder } from "../testing/counting-decoder.ts";
import { SMALL_SHAPE, type SmallDecoderOptions, smallDecoder } from "../testing/small-decoder.ts";
import { type BatchProbeOptions, createBatchProbe } from "./batch-probe.ts";
import { createSessionRunner } from "./session-runner.ts";

const { contextLimit, vocabularySize } = SMALL_SHAPE;
const TOKENS = Int32Array.from({ length: 600 }, (_, i) => (i * 37 + 11) % vocabularySize);
const CONTEXT = 150; // More than one chunk of reading in.

const open = (model: Uint8Array) =>
  InferenceSession.create(model, { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 4 });

async function probeOf(decoder: SmallDecoderOptions, options: Partial<BatchProbeOptions> = {}) {
  const session = await open(smallDecoder(decoder));
  return createBatchProbe(session, {
    Tensor,
    tokens: TOKENS,
    contextLength: CONTEXT,
    batch: 3,
    contextLimit,
    ...options,
  });
}

async function logitsOf(probe: Probe, n: number): Promise<Float32Array> {
  // What is timed in between changes nothing.
  await probe.prepare(n);
  await probe.run(n);
  return (await probe.rows!.together(n)).slice();
}

const largestDifference = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);

describe.each([
  { name: "positions from the mask", decoder: { attention: "decomposed" } },
  { name: "position_ids", decoder: { attention: "decomposed", positionIds: true } },
] as const)("three sequences through decomposed attention, $name", ({ decoder }) => {
  it("give the first one the logits that it has alone, whatever ran before", async () => {
    const runner = await createSessionRunner(await open(smallDecoder(decoder)), { Tensor, contextLimit });
    await runner.forward(TOKENS.subarray(0, CONTEXT), 0);
    const alone = (await runner.forward(TOKENS.subarray(CONTEXT, CONTEXT + 5))).slice();
    const probe = await probeOf(decoder);
    expect(probe.rows!.columns).toBe(vocabularySize);
    for (const n of [5, 1, 8, 5]) {
      const logits = await logitsOf(probe, n);
      expect(logits).toHaveLength(n * vocabularySize);
      const shared = Math.min(n, 5) * vocabularySize;
      expect(largestDifference(logits.slice(0, shared), alone.subarray(0, shared))).toBeLessThan(1e-4);
    }
    const singly = await probe.rows!.singly(5);
    expect(largestDifference(singly, alone)).toBeLessThan(1e-4);
    expect(await logitsOf(probe, 5)).toEqual(await logitsOf(probe, 5));
  });
});

it("feeds what other exports ask for: int32, float16, num_logits_to_keep", async () => {
  const session = await open(
    countingDecoder({ type: "float16", tokenType: "int32", positionIds: true, logitsToKeep: true }),
  );
  const options = { Tensor, tokens: [1, 2, 3], contextLength: 6, batch: 1, contextLimit: 64, maxPositions: 4 };
  const probe = await createBatchProbe(session, options);
  const logits = await logitsOf(probe, 4);
  expect(logits).toHaveLength(4 * probe.rows!.columns);
  expect(logits.every(Number.isFinite)).toBe(true);
});

it("runs one sequence through any attention, and starts from an empty cache too", async () => {
  for (const contextLength of [0, 20]) {
    const probe = await probeOf({ attention: "gqa" }, { batch: 1, contextLength });
    expect(await logitsOf(probe, 3)).toHaveLength(3 * vocabularySize);
  }
});

it("has as many positions as were asked for and as the context leaves", async () => {
  expect((await probeOf({ attention: "decomposed" })).maxPositions).toBe(64);
  expect((await probeOf({ attention: "decomposed" }, { maxPositions: 7 })).maxPositions).toBe(7);
  expect((await probeOf({ attention: "decomposed" }, { contextLength: contextLimit - 9 })).maxPositions).toBe(9);
});

it("refuses several sequences through GroupQueryAttention in one line", async () => {
  await expect(probeOf({ attention: "gqa" })).rejects.toMatchObject({
    code: "unsupported-model",
    message: expect.stringMatching(/^\[ort-adapter\] batch 3: expected attention [^\n]+; measure batch 1, or [^\n]+$/),
  });
});

it.each([
  [{ batch: 0 }, "invalid-argument", "batch"],
  [{ batch: 1.5 }, "invalid-argument", "batch"],
  [{ tokens: [] }, "invalid-argument", "tokens"],
  [{ contextLength: -1 }, "invalid-argument", "contextLength"],
  [{ maxPositions: 0 }, "invalid-argument", "maxPositions"],
  [{ contextLength: contextLimit }, "context-exceeded", "contextLength"],
])("refuses %j", async (options, code, what) => {
  const message = expect.stringContaining(`[ort-adapter] ${what}: expected`);
  await expect(probeOf({ attention: "decomposed" }, options)).rejects.toMatchObject({ code, message });
});
