import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import type { DecoderSpec } from "../build/decoder-spec.ts";
import { GENERATED_SHAPES } from "../build/generated-shapes.ts";
import { hasPart, MODULE_PARTS } from "./module-graph.ts";
import { createModuleProbe } from "./module-probe.ts";

const SHAPE = { ...GENERATED_SHAPES["dense-70m"], vocabularySize: 96, hiddenSize: 64, intermediateSize: 96 };
const DENSE: DecoderSpec = {
  shape: { ...SHAPE, heads: 4, kvHeads: 2, headDim: 16, contextLimit: 64 },
  attention: "gqa",
  quantisation: "fp32",
};
const EXPERTS: DecoderSpec = { ...DENSE, shape: { ...DENSE.shape, experts: { count: 4, active: 2 } } };
const DECOMPOSED: DecoderSpec = { ...DENSE, attention: "decomposed" };
const INT4: DecoderSpec = { ...DENSE, quantisation: "int4" };

const options = {
  Tensor,
  layers: 2,
  contextLength: 20,
  inPlaceCache: true,
  createSession: (model: Uint8Array) => InferenceSession.create(model, { intraOpNumThreads: 1, logSeverityLevel: 3 }),
};

describe("createModuleProbe on real sessions", () => {
  for (const [name, spec] of Object.entries({ DENSE, EXPERTS, DECOMPOSED, INT4 })) {
    for (const part of MODULE_PARTS.filter((each) => hasPart(spec, each))) {
      it(`${name}: ${part} runs alone for one position and for several`, async () => {
        const { probe, summary, release } = await createModuleProbe(spec, part, options);
        try {
          for (const n of [1, 3]) {
            await probe.prepare(n);
            await probe.run(n);
          }
        } finally {
          await release();
        }
        expect(summary.flopsPerPosition).toBeGreaterThan(0);
        expect(summary.kvBytesPerPosition).toBe(part === "attention" ? 2 * 2 * 2 * 16 * 4 : 0);
      });
    }
  }

  it.each([
    ["GroupQueryAttention", DENSE, "lean"],
    ["GroupQueryAttention", DENSE, "rows"],
    ["MatMul", DECOMPOSED, "lean"],
    ["MatMul", DECOMPOSED, "rows"],
  ] as const)("%s is rewritten as it would be in a model: %#", async (operator, spec, cache) => {
    const { probe, summary, release } = await createModuleProbe(spec, "attention", { ...options, cache });
    try {
      for (const n of [1, 3]) {
        await probe.prepare(n);
        await probe.run(n);
      }
    } finally {
      await release();
    }
    const kernels = summary.modules
      .filter(({ kvBytesPerPosition }) => kvBytesPerPosition > 0)
      .map(({ kernel }) => kernel);
    expect(kernels).toEqual([1, 2].map(() => ({ operator, activation: "float32", cache })));
  });

  it("a dense FFN reads its three matrices once a layer", async () => {
    const { summary, release } = await createModuleProbe(DENSE, "dense-ffn", options);
    await release();
    expect(summary.weightBytes).toBe(2 * 3 * 64 * 96 * 4);
    expect(summary.flopsPerPosition).toBe(2 * 3 * 64 * 96 * 2);
  });
});
