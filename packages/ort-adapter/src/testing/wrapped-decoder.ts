import { intsAttribute } from "../build/graph-builder.ts";
import type { Graph, Model, Node } from "../onnx/model.ts";

/** The layout of optimum's merged decoders: one branch without the cache, one with it. */
export function mergedDecoder(model: Model): Model {
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
export function withFunction(model: Model): Model {
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
