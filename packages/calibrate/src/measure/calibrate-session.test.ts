import { type Measurement, parseProfile } from "@nearfree/core";
import { sampleProfile } from "@nearfree/core/test";
import { buildDecoder, createSessionRunner, GENERATED_SHAPES, type Quantisation } from "@nearfree/ort-adapter";
import { encodeModelToBytes } from "@nearfree/ort-adapter/onnx";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { expect, it } from "vitest";
import { calibrate } from "./calibrate.ts";
import { createModelProbe } from "./runner-probe.ts";
import { createRandom } from "./statistics/random.ts";

const SHAPE = { ...GENERATED_SHAPES.tiny, vocabularySize: 64, contextLimit: 128 };

/** A decoder of random weights on a real session, calibrated with 32 positions in its KV cache. */
async function calibrateDecoder(quantisation: Quantisation): Promise<Measurement> {
  const random = createRandom(1);
  const noise = (length: number) => Float32Array.from({ length }, () => 0.2 * (random() - 0.5));
  const model = buildDecoder(
    { shape: SHAPE, attention: "gqa", quantisation },
    {
      matrix: (_name, rows, columns) => ({ rows, columns, read: () => noise(rows * columns) }),
      vector: (_name, length) => new Float32Array(length).fill(1),
    },
  );
  const session = await InferenceSession.create(encodeModelToBytes(model));
  const runner = await createSessionRunner(session, { Tensor, contextLimit: SHAPE.contextLimit });
  try {
    const tokens = Int32Array.from({ length: 128 }, () => Math.floor(random() * SHAPE.vocabularySize));
    const probe = createModelProbe(runner, { tokens, contextLength: 32 });
    return await calibrate(probe, { clock: () => performance.now(), cell: { contextLength: 32, batch: 1 } });
  } finally {
    await runner.release();
    await session.release();
  }
}

it.each(["fp32", "int4"] as const)("measures a real %s decoder within its budget", async (quantisation) => {
  const measurement = await calibrateDecoder(quantisation);
  expect(parseProfile({ ...sampleProfile(), ...measurement })).toBeDefined();
  const { points, invariance, run } = measurement;
  expect(run.ms).toBeLessThanOrEqual(21_000);
  expect(["decided", "forwards", "unresolvable"]).toContain(run.stop);
  // What was run was compared, each n in one class.
  const compared = invariance.classes.flat().sort((a, b) => a - b);
  expect(new Set(compared).size).toBe(compared.length);
  expect(compared).toEqual(expect.arrayContaining(points.map(({ positions }) => positions)));
  expect(invariance.maxDifference).toBeLessThan(1);
});
