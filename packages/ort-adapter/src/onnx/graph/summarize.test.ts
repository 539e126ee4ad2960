import type { GraphSummary } from "@nearfree/core/principle";
import { describe, expect, it } from "vitest";
import { GraphBuilder, intAttribute, intsAttribute, MICROSOFT } from "../../build/graph-builder.ts";
import { renameModel } from "../../testing/rename-model.ts";
import { SAMPLE_SHAPE, sampleDecoder } from "../../testing/sample-decoder.ts";
import type { Graph, Model, Node } from "../model.ts";
import { byteSource } from "../read/byte-source.ts";
import { encodeModelToBytes } from "../write/writer.ts";
import { type ModelReport, summarize } from "./summarize.ts";

const report = (model: Model): ModelReport => summarize({ model: byteSource(encodeModelToBytes(model)) });
const totals = (summary: GraphSummary) => {
  const found: Record<string, { nodes: number; weightBytes: number; flops: number; kvBytes: number }> = {};
  for (const { kind, kernel, ...module } of summary.modules) {
    if (kind === "other") continue;
    const key = `${kind} ${kernel.operator} ${kernel.weight ?? "-"}`;
    found[key] ??= { nodes: 0, weightBytes: 0, flops: 0, kvBytes: 0 };
    found[key].nodes += module.nodes;
    found[key].weightBytes += module.weightBytes;
    found[key].flops += module.flopsPerPosition;
    found[key].kvBytes += module.kvBytesPerPosition;
  }
  return found;
};

const { vocabularySize, hiddenSize, intermediateSize, layers, heads, kvHeads, headDim } = SAMPLE_SHAPE;
const ATTENTION_WEIGHTS = hiddenSize * headDim * (2 * heads + 2 * kvHeads);
const FFN_WEIGHTS = 3 * hiddenSize * intermediateSize;
const HEAD_WEIGHTS = hiddenSize * vocabularySize;
const LAYER_WEIGHTS = layers * (ATTENTION_WEIGHTS + FFN_WEIGHTS);
const KV_BYTES = layers * 2 * kvHeads * headDim * 4;

describe("a decoder", () => {
  it("in fp32 with GroupQueryAttention: every figure follows from its sizes", () => {
    const { summary, io, logitsRows } = report(sampleDecoder());
    expect(summary).toMatchObject({ layers, vocabularySize, kvHeads, headDim, kvBytesPerPosition: KV_BYTES });
    expect(summary.unresolved).toEqual([]);
    expect(summary.flopsPerPosition).toBe(2 * (LAYER_WEIGHTS + HEAD_WEIGHTS));
    const found = totals(summary);
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
    const { summary } = report(sampleDecoder({ attention: "decomposed" }));
    const found = totals(summary);
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
    const { summary } = report(sampleDecoder({ quantisation: "int4" }));
    const dense = summary.modules.filter(({ kind }) => kind === "dense-ffn");
    for (const { kernel } of dense) {
      expect(kernel).toEqual({ operator: "MatMulNBits", activation: "float32", weight: "int4", accuracyLevel: 4 });
    }
    const { weightBytes, flops } = totals(summary)["dense-ffn MatMulNBits int4"]!;
    expect(flops).toBe(2 * LAYER_WEIGHTS);
    // Half a byte a weight, and a float32 scale and half a byte of zero point at most per block of 32.
    expect(weightBytes).toBeGreaterThanOrEqual(LAYER_WEIGHTS / 2 + LAYER_WEIGHTS / 8);
    expect(weightBytes).toBeLessThanOrEqual(LAYER_WEIGHTS / 2 + LAYER_WEIGHTS / 8 + LAYER_WEIGHTS / 32);
  });

  it("with a tied head counts the shared matrix once, as the head", () => {
    const { summary } = report(sampleDecoder({ shape: { ...SAMPLE_SHAPE, tiedHead: true } }));
    expect(totals(summary)["head MatMul float32"]).toMatchObject({ weightBytes: 4 * HEAD_WEIGHTS });
    expect(summary.vocabularySize).toBe(vocabularySize);
  });

  it.each([
    ["fp32", "gqa"],
    ["int4", "gqa"],
    ["fp32", "decomposed"],
    ["int8-dynamic", "gqa"],
  ] as const)("is understood without names, from its data flow: %s, %s", (quantisation, attention) => {
    const model = sampleDecoder({ quantisation, attention });
    const named = report(model).summary;
    const nameless = report(renameModel(model, () => "")).summary;
    expect(totals(nameless)).toEqual(totals(named));
    expect(nameless).toEqual({ ...named, modules: nameless.modules });
    const names = new Set(nameless.modules.filter(({ kind }) => kind !== "other").map(({ name }) => name));
    expect(names).toEqual(new Set([...[0, 1, 2].flatMap((i) => [`layers.${i}/attn`, `layers.${i}/mlp`]), "head"]));
  });

  it("in dynamic int8: the products behind their quantisation", () => {
    const { summary } = report(sampleDecoder({ quantisation: "int8-dynamic" }));
    const found = totals(summary);
    expect(found["dense-ffn MatMulInteger int8"]).toMatchObject({ flops: 2 * LAYER_WEIGHTS });
    expect(found["attention GroupQueryAttention -"]).toMatchObject({ kvBytes: KV_BYTES });
    expect(found["head MatMulInteger int8"]).toMatchObject({ flops: 2 * HEAD_WEIGHTS });
  });

  it.each([
    ["fp32", "MoE", "float32", 4],
    ["int4", "QMoE", "int4", 0.5 + 4 / 32],
  ] as const)("with experts in %s: bytes of all, FLOPs of the active", (quantisation, operator, weight, bytes) => {
    const experts = { count: 8, active: 2 };
    const { summary } = report(sampleDecoder({ quantisation, shape: { ...SAMPLE_SHAPE, experts } }));
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
    const found = totals(report(renameModel(shaped, () => "")).summary);
    const expected = totals(report(model).summary);
    for (const [key, { weightBytes, flops, kvBytes }] of Object.entries(expected)) {
      expect(found[key], key).toMatchObject({ weightBytes, flops, kvBytes });
    }
  });

  it("inside an If takes the branch with the cache, and inside a function its body", () => {
    const model = sampleDecoder();
    const expected = report(model).summary;
    const inBranch = report(mergedDecoder(model)).summary;
    expect(totals(inBranch)).toEqual(totals(expected));
    const inFunction = report(withFunction(model)).summary;
    expect(totals(inFunction)).toEqual(totals(expected));
  });
});

const NO_ATTENTION = { kvBytesPerPosition: 0, flopsPerContextPosition: 0, looseNodes: 0, elementsPerPosition: 0 };

describe("other graphs", () => {
  it("experts: bytes of all, FLOPs of the active, the router beside them; the hash follows the router's weights", () => {
    const moe = report(moeBlock("MoE", 1));
    expect(moe.summary.modules.filter(({ kind }) => kind === "moe-ffn")).toEqual([
      {
        name: "/layers.0/moe",
        kind: "moe-ffn",
        kernel: { operator: "MatMul", activation: "float32", weight: "float32" },
        nodes: 1,
        weightBytes: 4 * 64 * 8,
        flopsPerPosition: 2 * 64 * 8,
        ...NO_ATTENTION,
      },
      {
        name: "/layers.0/moe",
        kind: "moe-ffn",
        kernel: { operator: "MoE", activation: "float32", weight: "float32" },
        nodes: 1,
        weightBytes: 4 * 8 * 2 * 64 * 128,
        flopsPerPosition: 2 * 2 * 2 * 64 * 128,
        ...NO_ATTENTION,
        experts: { count: 8, active: 2 },
      },
    ]);
    expect(report(moeBlock("MoE", 2)).summary.structureHash).not.toBe(moe.summary.structureHash);
    expect(report(moeBlock("MoE", 1)).summary.structureHash).toBe(moe.summary.structureHash);
  });

  it("quantised experts: half the bytes a weight, the same FLOPs", () => {
    const quantised = report(moeBlock("QMoE", 1)).summary.modules.find(({ kernel }) => kernel.operator === "QMoE");
    expect(quantised?.kernel.weight).toBe("int4");
    expect(quantised?.flopsPerPosition).toBe(2 * 2 * 2 * 64 * 128);
    expect(quantised?.weightBytes).toBe((8 * 2 * 64 * 128) / 2 + 4 * 8 * (64 + 128));
    expect(quantised?.experts).toEqual({ count: 8, active: 2 });
  });

  it.each([
    ["MatMulInteger", ["x8", "w", "z", "z"], "uint8", "int8"],
    ["DynamicQuantizeMatMul", ["x", "w", "s"], "float32", "int8"],
    ["Gemm", ["x", "wf"], "float32", "float32"],
    ["MatMul", ["x", "wq"], "float32", "int8"],
  ] as const)("%s: its weight and what it multiplies", (operator, inputs, activation, weight) => {
    const g = new GraphBuilder();
    g.input("x", "float32", ["n", 8]);
    g.constant("w", "int8", [8, 24], new Int8Array(192));
    g.constant("wf", "float32", [8, 24], new Float32Array(192));
    g.constant("s", "float32", [], new Float32Array(1));
    g.constant("z", "uint8", [], new Uint8Array(1));
    g.addTo(["x8", "xs", "xz"], "/quantise", "DynamicQuantizeLinear", ["x"]);
    g.add("/dequantise", "DequantizeLinear", ["w", "s"], { output: "wq" });
    g.add("/ffn/MatMul", operator, inputs, { output: "y", domain: operator.startsWith("Dyn") ? MICROSOFT : "" });
    g.output("y", "float32", ["n", 24]);
    const module = report(g.build("test")).summary.modules.find(({ kind }) => kind === "dense-ffn");
    expect(module?.kernel).toEqual({ operator, activation, weight });
    expect(module?.flopsPerPosition).toBe(2 * 8 * 24);
    expect(module?.weightBytes).toBeGreaterThanOrEqual(8 * 24);
  });

  it("says what it cannot find", () => {
    const g = new GraphBuilder();
    g.input("x", "float32", ["n", 8]);
    g.add("/Relu", "Relu", ["x"], { output: "y" });
    g.output("y", "float32", ["n", 8]);
    const { summary, logitsRows } = report(g.build("test"));
    expect(summary.vocabularySize).toBeUndefined();
    expect(summary.unresolved).toEqual([
      "layers: no attention and no KV cache found",
      "vocabulary size: no logits of a fixed width",
    ]);
    expect(logitsRows).toBeUndefined();
  });
});

describe("a pruned head", () => {
  const pick = (operator: "Gather" | "Slice"): Model => {
    const g = new GraphBuilder();
    g.input("hidden", "float32", ["batch", "sequence", 8]);
    g.constant("w", "float32", [8, 24], new Float32Array(192));
    if (operator === "Gather") {
      g.add("/last", "Gather", ["hidden", g.int64s(-1)], { output: "row", attributes: { axis: intAttribute(1) } });
    } else {
      g.add("/last", "Slice", ["hidden", g.int64s(-1), g.int64s(9_007_199_254_740_991), g.int64s(-2)], {
        output: "row",
      });
    }
    g.add("/norm", "SimplifiedLayerNormalization", ["row"], { output: "normed" });
    g.add("/lm_head/MatMul", "MatMul", ["normed", "w"], { output: "logits" });
    g.output("logits", "float32", ["batch", "rows", 24]);
    return g.build("test");
  };

  it.each(["Gather", "Slice"] as const)("is seen by its %s of the last position", (operator) => {
    expect(report(pick(operator)).logitsRows).toBe("last");
  });

  it("is seen by the shape of the logits", () => {
    const model = sampleDecoder();
    const outputs = model.graph.outputs.map((output) =>
      output.name === "logits" ? { ...output, shape: ["batch_size", 1, vocabularySize] } : output,
    );
    expect(report({ ...model, graph: { ...model.graph, outputs } }).logitsRows).toBe("last");
  });
});

/** Two projections, gate and experts, as a mixture-of-experts layer has them. */
function moeBlock(operator: "MoE" | "QMoE", routerSeed: number): Model {
  const g = new GraphBuilder();
  const experts = 8;
  g.input("x", "float32", ["n", 64]);
  g.constant("router", "float32", [64, experts], new Float32Array(64 * experts).fill(routerSeed));
  g.add("/layers.0/moe/router/MatMul", "MatMul", ["x", "router"], { output: "scores" });
  g.add("/layers.0/moe/Reshape", "Reshape", ["scores", g.int64s(-1, experts)], { output: "probs" });
  const attributes = { k: intAttribute(2) };
  if (operator === "MoE") {
    g.constant("fc1", "float32", [experts, 64, 128], new Float32Array(experts * 64 * 128));
    g.constant("fc2", "float32", [experts, 128, 64], new Float32Array(experts * 64 * 128));
    g.add("/layers.0/moe/MoE", "MoE", ["x", "probs", "fc1", "", "fc2"], { output: "y", domain: MICROSOFT, attributes });
  } else {
    g.constant("fc1", "uint8", [experts, 128, 32], new Uint8Array(experts * 128 * 32));
    g.constant("fc2", "uint8", [experts, 64, 64], new Uint8Array(experts * 64 * 64));
    g.constant("s1", "float32", [experts, 128], new Float32Array(experts * 128));
    g.constant("s2", "float32", [experts, 64], new Float32Array(experts * 64));
    g.add("/layers.0/moe/QMoE", "QMoE", ["x", "probs", "fc1", "s1", "", "fc2", "s2"], {
      output: "y",
      domain: MICROSOFT,
      attributes: { ...attributes, expert_weight_bits: intAttribute(4) },
    });
  }
  g.output("y", "float32", ["n", 64]);
  return g.build("test");
}

/** The layout of optimum's merged decoders: one branch without the cache, one with it. */
function mergedDecoder(model: Model): Model {
  const outputs = model.graph.outputs;
  const inner = (suffix: string, nodes: readonly Node[]): Graph => ({
    name: suffix,
    nodes: nodes.map((node) => ({ ...node, outputs: node.outputs.map((name) => (name === "" ? "" : name + suffix)) })),
    initializers: [],
    inputs: [],
    outputs: outputs.map(({ name }) => ({ name: name + suffix })),
    valueInfos: [],
  });
  const produced = new Set(model.graph.nodes.flatMap(({ outputs: each }) => each));
  const withCache = model.graph.nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map((name) => (name !== "" && produced.has(name) ? `${name}_a` : name)),
  }));
  const withoutCache: Node[] = [{ ...model.graph.nodes[0]!, inputs: ["input_ids", "input_ids"] }];
  const choose: Node = {
    name: "optimum::if",
    opType: "If",
    domain: "",
    inputs: ["use_cache_branch"],
    outputs: outputs.map(({ name }) => name),
    attributes: new Map([
      ["else_branch", { kind: "graph", value: inner("_b", withoutCache) }],
      ["then_branch", { kind: "graph", value: inner("_a", withCache) }],
    ]),
  };
  const useCache = { name: "use_cache_branch", type: "bool" as const, shape: [1] };
  return { ...model, graph: { ...model.graph, nodes: [choose], inputs: [...model.graph.inputs, useCache] } };
}

/** The Sigmoid of each layer as a call of a local function that holds it, as torch's newer exporter writes. */
function withFunction(model: Model): Model {
  const nodes = model.graph.nodes.map((node) =>
    node.opType === "Sigmoid" ? { ...node, opType: "Outer", domain: "local" } : node,
  );
  const call = (opType: string, domain: string): Node => ({
    name: "inner",
    opType,
    domain,
    inputs: ["a"],
    outputs: ["b"],
    attributes: new Map([["axes", intsAttribute([1])]]),
  });
  return {
    ...model,
    graph: { ...model.graph, nodes },
    functions: [
      { name: "Outer", domain: "local", inputs: ["a"], outputs: ["b"], nodes: [call("Inner", "local")] },
      { name: "Inner", domain: "local", inputs: ["a"], outputs: ["b"], nodes: [call("Sigmoid", "")] },
    ],
  };
}
