import { describe, expect, it } from "vitest";
import { GraphBuilder, intAttribute, MICROSOFT } from "../../build/graph-builder.ts";
import { reportOf } from "../../testing/report-of.ts";
import type { Model } from "../model.ts";

const NO_ATTENTION = { kvBytesPerPosition: 0, flopsPerContextPosition: 0, looseNodes: 0, elementsPerPosition: 0 };

describe("operators", () => {
  it("experts: bytes of all, FLOPs of the active, the router beside them; the hash follows the router's weights", () => {
    const moe = reportOf(moeBlock("MoE", 1));
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
    expect(reportOf(moeBlock("MoE", 2)).summary.structureHash).not.toBe(moe.summary.structureHash);
    expect(reportOf(moeBlock("MoE", 1)).summary.structureHash).toBe(moe.summary.structureHash);
  });

  it("quantised experts: half the bytes a weight, the same FLOPs", () => {
    const quantised = reportOf(moeBlock("QMoE", 1)).summary.modules.find(({ kernel }) => kernel.operator === "QMoE");
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
    const module = reportOf(g.build("test")).summary.modules.find(({ kind }) => kind === "dense-ffn");
    expect(module?.kernel).toEqual({ operator, activation, weight });
    expect(module?.flopsPerPosition).toBe(2 * 8 * 24);
    expect(module?.weightBytes).toBeGreaterThanOrEqual(8 * 24);
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
