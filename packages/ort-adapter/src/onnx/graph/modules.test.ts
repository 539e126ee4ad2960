import type { ModuleSummary } from "@nearfree/core/principle";
import fc from "fast-check";
import { expect, it } from "vitest";
import { buildDecoder } from "../../build/decoder.ts";
import type { DecoderShape, DecoderSpec } from "../../build/decoder-spec.ts";
import { randomWeights } from "../../build/random-weights.ts";
import { renameModel } from "../../testing/rename-model.ts";
import type { Model } from "../model.ts";
import { byteSource } from "../read/byte-source.ts";
import { encodeModelToBytes } from "../write/writer.ts";
import { summarize } from "./summarize.ts";

const summaryOf = (model: Model) => summarize({ model: byteSource(encodeModelToBytes(model)) }).summary;

const FIGURES = ["weightBytes", "flopsPerPosition", "kvBytesPerPosition", "flopsPerContextPosition"] as const;
type Counts = Pick<ModuleSummary, (typeof FIGURES)[number]>;
const NOTHING: Counts = { weightBytes: 0, flopsPerPosition: 0, kvBytesPerPosition: 0, flopsPerContextPosition: 0 };

const shape: fc.Arbitrary<DecoderShape> = fc
  .record({
    vocabularySize: fc.integer({ min: 2, max: 200 }),
    hidden: fc.integer({ min: 1, max: 3 }),
    intermediate: fc.integer({ min: 1, max: 4 }),
    layers: fc.integer({ min: 1, max: 3 }),
    kvHeads: fc.integer({ min: 1, max: 3 }),
    groups: fc.integer({ min: 1, max: 3 }),
    headDim: fc.constantFrom(32, 64),
    tiedHead: fc.boolean(),
  })
  .map(({ hidden, intermediate, groups, ...sizes }) => ({
    ...sizes,
    hiddenSize: 32 * hidden,
    intermediateSize: 32 * intermediate,
    heads: sizes.kvHeads * groups,
    contextLimit: 16,
    ropeTheta: 10_000,
    rmsNormEpsilon: 1e-5,
  }));

const experts = fc
  .record({ count: fc.integer({ min: 2, max: 6 }), active: fc.integer({ min: 1, max: 6 }) })
  .map(({ count, active }) => ({ count, active: Math.min(count, active) }));

const attention = fc.constantFrom("gqa" as const, "decomposed" as const);
const accuracyLevel = fc.constantFrom(0 as const, 1 as const, 4 as const);
const dense: fc.Arbitrary<DecoderSpec> = fc.record({
  shape,
  attention,
  accuracyLevel,
  quantisation: fc.constantFrom("fp32" as const, "int4" as const, "int8-dynamic" as const),
});
const mixture: fc.Arbitrary<DecoderSpec> = fc.record({
  shape: fc.tuple(shape, experts).map(([sizes, mix]) => ({ ...sizes, experts: mix })),
  attention,
  accuracyLevel,
  quantisation: fc.constantFrom("fp32" as const, "int4" as const),
});

/** Bytes of a matrix of `outputs` x `inputs`: fp32; int4 with an fp32 scale for 32 weights; int8 with one for each output. */
function matrixBytes(quantisation: DecoderSpec["quantisation"], outputs: number, inputs: number): number {
  const weights = outputs * inputs;
  if (quantisation === "fp32") return 4 * weights;
  return quantisation === "int4" ? weights / 2 + (4 * weights) / 32 : weights + 4 * outputs;
}

/** Every figure of every module, by hand: `layer kind operator weight` to its counts. */
function expectedCounts(spec: DecoderSpec): Map<string, Counts> {
  const { vocabularySize, hiddenSize, intermediateSize, layers, heads, kvHeads, headDim, experts: mix } = spec.shape;
  const { quantisation } = spec;
  const counts = new Map<string, Counts>();
  const product = { fp32: "MatMul float32", int4: "MatMulNBits int4", "int8-dynamic": "MatMulInteger int8" }[
    quantisation
  ];
  const add = (key: string, outputs: number, inputs: number, stored = quantisation) => {
    const { weightBytes, flopsPerPosition } = counts.get(key) ?? NOTHING;
    counts.set(key, {
      ...NOTHING,
      weightBytes: weightBytes + matrixBytes(stored, outputs, inputs),
      flopsPerPosition: flopsPerPosition + 2 * outputs * inputs,
    });
  };
  for (let layer = 0; layer < layers; layer++) {
    const projections = `${layer} attn dense-ffn ${product}`;
    add(projections, (heads + 2 * kvHeads) * headDim, hiddenSize);
    add(projections, hiddenSize, heads * headDim);
    counts.set(`${layer} attn attention ${spec.attention === "gqa" ? "GroupQueryAttention" : "MatMul"} -`, {
      ...NOTHING,
      kvBytesPerPosition: 2 * kvHeads * headDim * 4,
      // A multiplication and an addition for each channel of each head, for scores and for values.
      flopsPerContextPosition: 4 * heads * headDim,
    });
    if (mix === undefined) {
      const feedForward = `${layer} mlp dense-ffn ${product}`;
      add(feedForward, 2 * intermediateSize, hiddenSize);
      add(feedForward, hiddenSize, intermediateSize);
      continue;
    }
    add(`${layer} mlp moe-ffn MatMul float32`, mix.count, hiddenSize, "fp32");
    const one = 3 * hiddenSize * intermediateSize;
    counts.set(`${layer} mlp moe-ffn ${quantisation === "fp32" ? "MoE float32" : "QMoE int4"}`, {
      ...NOTHING,
      weightBytes: mix.count * matrixBytes(quantisation, 1, one),
      flopsPerPosition: mix.active * 2 * one,
    });
  }
  add(`- head head ${product}`, vocabularySize, hiddenSize);
  return counts;
}

function foundCounts(modules: readonly ModuleSummary[]): Map<string, Counts> {
  const counts = new Map<string, Counts>();
  for (const module of modules) {
    const { name, kind, kernel } = module;
    if (kind === "other") continue;
    const [, layer = "-", block = "head"] = /layers\.(\d+)\/(\w+)/.exec(name) ?? [];
    const key = `${layer} ${block} ${kind} ${kernel.operator} ${kernel.weight ?? "-"}`;
    expect(counts.has(key), key).toBe(false);
    counts.set(key, totals([module]));
  }
  return counts;
}

function totals(parts: Iterable<Counts>): Counts {
  const sums: Record<keyof Counts, number> = { ...NOTHING };
  for (const part of parts) for (const figure of FIGURES) sums[figure] += part[figure];
  return sums;
}

function checkCounts(spec: DecoderSpec): void {
  const { layers, hiddenSize, intermediateSize, kvHeads, headDim, vocabularySize, experts: mix } = spec.shape;
  const model = buildDecoder(spec, randomWeights(3));
  const named = summaryOf(model);
  const expected = expectedCounts(spec);
  expect(foundCounts(named.modules)).toEqual(expected);
  const products = totals(expected.values());
  // Besides the products: two norms a layer, the last norm, and one row of the embedding.
  expect(named).toMatchObject({ layers, kvHeads, headDim, vocabularySize, unresolved: [] });
  expect(named.weightBytes).toBe(products.weightBytes + 4 * hiddenSize * (2 * layers + 2));
  expect(named.flopsPerPosition).toBe(products.flopsPerPosition);
  expect(named.kvBytesPerPosition).toBe(layers * 2 * kvHeads * headDim * 4);
  for (const { kernel, experts: found } of named.modules) {
    if (/MoE$/.test(kernel.operator)) expect(found).toEqual(mix);
    else expect(found).toBeUndefined();
    if (kernel.operator === "MatMulNBits") expect(kernel.accuracyLevel).toBe(spec.accuracyLevel);
  }
  // Nodes of their own: the lookup, the norms, and x * sigmoid(x) and the product after it in a dense feed-forward.
  const activations = mix === undefined ? 2 * layers : 0;
  const loose = (figure: "looseNodes" | "elementsPerPosition") =>
    named.modules.reduce((sum, module) => sum + module[figure], 0);
  expect(loose("elementsPerPosition")).toBe(hiddenSize * (2 * layers + 2) + intermediateSize * activations);
  // And six that turn the mask into lengths.
  if (spec.attention === "gqa") expect(loose("looseNodes")).toBe(2 * layers + 2 + activations + 6);

  const nameless = summaryOf(renameModel(model, () => ""));
  expect(nameless).toEqual({ ...named, modules: nameless.modules });
  for (const kind of ["dense-ffn", "moe-ffn", "attention", "head", "other"] as const) {
    const ofKind = (modules: readonly ModuleSummary[]) => totals(modules.filter((module) => module.kind === kind));
    expect(ofKind(nameless.modules)).toEqual(ofKind(named.modules));
  }
}

it("counts the bytes and FLOPs of dense modules, attention and head exactly: any shape, fp32, int8, int4", () => {
  fc.assert(fc.property(dense, checkCounts), { numRuns: 30 });
});

it("counts those of experts and routers exactly: any shape, count and top-k, MoE and QMoE", () => {
  fc.assert(fc.property(mixture, checkCounts), { numRuns: 20 });
});
