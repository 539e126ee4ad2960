import { describe, expect, it } from "vitest";
import { GraphBuilder } from "../../build/graph-builder.ts";
import { renameModel } from "../../testing/rename-model.ts";
import { reportOf, totalsOf } from "../../testing/report-of.ts";
import { SAMPLE_SHAPE, sampleDecoder } from "../../testing/sample-decoder.ts";
import type { Model, Node } from "../model.ts";

const { vocabularySize, hiddenSize, intermediateSize, layers, heads, kvHeads, headDim } = SAMPLE_SHAPE;
const ATTENTION_WEIGHTS = hiddenSize * headDim * (2 * heads + 2 * kvHeads);
const FFN_WEIGHTS = 3 * hiddenSize * intermediateSize;
const HEAD_WEIGHTS = hiddenSize * vocabularySize;
const LAYER_WEIGHTS = layers * (ATTENTION_WEIGHTS + FFN_WEIGHTS);
const KV_BYTES = layers * 2 * kvHeads * headDim * 4;

describe("a decoder", () => {
  it("in fp32 with GroupQueryAttention: every figure follows from its sizes", () => {
    const { summary, io, logitsRows } = reportOf(sampleDecoder());
    expect(summary).toMatchObject({ layers, vocabularySize, kvHeads, headDim, kvBytesPerPosition: KV_BYTES });
    expect(summary.unresolved).toEqual([]);
    expect(summary.flopsPerPosition).toBe(2 * (LAYER_WEIGHTS + HEAD_WEIGHTS));
    const found = totalsOf(summary);
    expect(found["dense-ffn MatMul float32"]).toMatchObject({
      weightBytes: 4 * LAYER_WEIGHTS,
      flops: 2 * LAYER_WEIGHTS,
    });
    expect(found["attention GroupQueryAttention -"]).toMatchObject({
      nodes: layers,
      kvBytes: KV_BYTES,
      weightBytes: 0,
    });
    expect(found["head MatMul float32"]).toMatchObject({ nodes: 1, weightBytes: 4 * HEAD_WEIGHTS });
    expect(summary.modules.filter(({ kind }) => kind !== "other").map(({ name }) => name)).toEqual([
      ...[0, 1, 2].flatMap((i) => [`/model/layers.${i}/attn`, `/model/layers.${i}/attn`, `/model/layers.${i}/mlp`]),
      "/lm_head",
    ]);
    // Norms (2 a layer and one before the head) and one row of the embedding.
    expect(summary.weightBytes).toBe(4 * (LAYER_WEIGHTS + HEAD_WEIGHTS + (2 * layers + 1) * hiddenSize + hiddenSize));
    expect(io.kv).toHaveLength(2 * layers);
    expect(io.kv[0]).toEqual({
      layer: 0,
      part: "key",
      past: "past_key_values.0.key",
      present: "present.0.key",
      type: "float32",
      heads: kvHeads,
      headDim,
    });
    expect(logitsRows).toBe("every");
  });

  it("with decomposed attention: the same weights, one attention module a layer", () => {
    const { summary } = reportOf(sampleDecoder({ attention: "decomposed" }));
    const found = totalsOf(summary);
    expect(found["dense-ffn MatMul float32"]).toMatchObject({
      weightBytes: 4 * LAYER_WEIGHTS,
      flops: 2 * LAYER_WEIGHTS,
    });
    expect(found["attention MatMul -"]).toMatchObject({ kvBytes: KV_BYTES, flops: 0 });
    expect(summary.modules.filter(({ kind }) => kind === "attention")).toHaveLength(layers);
    expect(summary).toMatchObject({ layers, vocabularySize, kvHeads, headDim, kvBytesPerPosition: KV_BYTES });
    expect(summary.unresolved).toEqual([]);
  });

  it("in int4: bytes with scales, FLOPs of the whole matrix, accuracy level", () => {
    const { summary } = reportOf(sampleDecoder({ quantisation: "int4" }));
    const dense = summary.modules.filter(({ kind }) => kind === "dense-ffn");
    for (const { kernel } of dense) {
      expect(kernel).toEqual({ operator: "MatMulNBits", activation: "float32", weight: "int4", accuracyLevel: 4 });
    }
    const { weightBytes, flops } = totalsOf(summary)["dense-ffn MatMulNBits int4"]!;
    expect(flops).toBe(2 * LAYER_WEIGHTS);
    // Half a byte a weight, and a float32 scale and half a byte of zero point at most per block of 32.
    expect(weightBytes).toBeGreaterThanOrEqual(LAYER_WEIGHTS / 2 + LAYER_WEIGHTS / 8);
    expect(weightBytes).toBeLessThanOrEqual(LAYER_WEIGHTS / 2 + LAYER_WEIGHTS / 8 + LAYER_WEIGHTS / 32);
  });

  it("with a tied head counts the shared matrix once, as the head", () => {
    const { summary } = reportOf(sampleDecoder({ shape: { ...SAMPLE_SHAPE, tiedHead: true } }));
    expect(totalsOf(summary)["head MatMul float32"]).toMatchObject({ weightBytes: 4 * HEAD_WEIGHTS });
    expect(summary.vocabularySize).toBe(vocabularySize);
  });

  it.each([
    ["fp32", "gqa"],
    ["int4", "gqa"],
    ["fp32", "decomposed"],
    ["int8-dynamic", "gqa"],
  ] as const)("is understood without names, from its data flow: %s, %s", (quantisation, attention) => {
    const model = sampleDecoder({ quantisation, attention });
    const named = reportOf(model).summary;
    const nameless = reportOf(renameModel(model, () => "")).summary;
    expect(totalsOf(nameless)).toEqual(totalsOf(named));
    expect(nameless).toEqual({ ...named, modules: nameless.modules });
    const names = new Set(nameless.modules.filter(({ kind }) => kind !== "other").map(({ name }) => name));
    expect(names).toEqual(new Set([...[0, 1, 2].flatMap((i) => [`layers.${i}/attn`, `layers.${i}/mlp`]), "head"]));
  });

  it("in dynamic int8: the products behind their quantisation", () => {
    const { summary } = reportOf(sampleDecoder({ quantisation: "int8-dynamic" }));
    const found = totalsOf(summary);
    expect(found["dense-ffn MatMulInteger int8"]).toMatchObject({ flops: 2 * LAYER_WEIGHTS });
    expect(found["attention GroupQueryAttention -"]).toMatchObject({ kvBytes: KV_BYTES });
    expect(found["head MatMulInteger int8"]).toMatchObject({ flops: 2 * HEAD_WEIGHTS });
  });

  it.each([
    ["fp32", "MoE", "float32", 4],
    ["int4", "QMoE", "int4", 0.5 + 4 / 32],
  ] as const)("with experts in %s: bytes of all, FLOPs of the active", (quantisation, operator, weight, bytes) => {
    const experts = { count: 8, active: 2 };
    const { summary } = reportOf(sampleDecoder({ quantisation, shape: { ...SAMPLE_SHAPE, experts } }));
    const modules = summary.modules.filter(({ kernel }) => kernel.operator === operator);
    expect(modules).toHaveLength(layers);
    for (const module of modules) {
      expect(module).toMatchObject({ kind: "moe-ffn", kernel: { activation: "float32", weight }, experts, nodes: 1 });
      expect(module.weightBytes).toBe(8 * bytes * FFN_WEIGHTS);
      expect(module.flopsPerPosition).toBe(2 * 2 * FFN_WEIGHTS);
    }
    const routers = summary.modules.filter(({ kind, experts: own }) => kind === "moe-ffn" && own === undefined);
    expect(routers).toHaveLength(layers);
  });

  it("whose reshapes follow the shape of what goes into the layer, as PyTorch exports write it", () => {
    const model = sampleDecoder({ attention: "decomposed" });
    const nodes = model.graph.nodes.flatMap((node): Node[] => {
      const layer = /layers\.(\d)\/attn\/.*Reshape/.exec(node.name)?.[1];
      const projection = model.graph.nodes.find(({ name }) => name === `/model/layers.${layer}/attn/q_proj/MatMul`);
      if (layer === undefined || projection === undefined) return [node];
      const size = `${node.outputs[0]}/size`;
      const shape: Node = { ...node, name: "", opType: "Shape", inputs: [projection.inputs[0]!], outputs: [size] };
      return [shape, { ...node, inputs: [node.inputs[0]!, size] }];
    });
    const shaped: Model = { ...model, graph: { ...model.graph, nodes } };
    expect(nodes.length).toBeGreaterThan(model.graph.nodes.length);
    const found = totalsOf(reportOf(renameModel(shaped, () => "")).summary);
    const expected = totalsOf(reportOf(model).summary);
    for (const [key, { weightBytes, flops, kvBytes }] of Object.entries(expected)) {
      expect(found[key], key).toMatchObject({ weightBytes, flops, kvBytes });
    }
  });
});

it("says what it cannot find", () => {
  const g = new GraphBuilder();
  g.input("x", "float32", ["n", 8]);
  g.add("/Relu", "Relu", ["x"], { output: "y" });
  g.output("y", "float32", ["n", 8]);
  const { summary, logitsRows } = reportOf(g.build("test"));
  expect(summary.vocabularySize).toBeUndefined();
  expect(summary.unresolved).toEqual([
    "layers: no attention and no KV cache found",
    "vocabulary size: no logits of a fixed width",
  ]);
  expect(logitsRows).toBeUndefined();
});
