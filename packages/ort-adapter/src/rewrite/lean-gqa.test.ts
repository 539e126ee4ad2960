import { describe, expect, it } from "vitest";
import { buildDecoder } from "../build/decoder.ts";
import { GENERATED_SHAPES } from "../build/generated-shapes.ts";
import { floatAttribute, intAttribute, stringAttribute } from "../build/graph-builder.ts";
import { randomWeights } from "../build/random-weights.ts";
import { classifyIo } from "../onnx/graph/classify-io.ts";
import { Values } from "../onnx/graph/constants.ts";
import { flatten } from "../onnx/graph/flatten.ts";
import { LengthValues } from "../onnx/graph/rows/length-values.ts";
import type { Attribute, Model, Node } from "../onnx/model.ts";
import { openCached } from "../testing/lean-session.ts";
import { type CacheNames, cacheNames } from "./cache-names.ts";
import { GraphEdit } from "./graph-edit.ts";
import { gqaLayers, whyNotGqa } from "./lean-gqa.ts";
import { rewriteDecoder } from "./rewrite-decoder.ts";

const DECODER = buildDecoder(
  { shape: { ...GENERATED_SHAPES.tiny, contextLimit: 64 }, attention: "gqa", quantisation: "fp32" },
  randomWeights(3),
);
const CACHE = cacheNames(DECODER) as readonly CacheNames[];

/** The decoder with its first attention changed, and what else `add` puts behind it. */
function withAttention(change: (node: Node) => Node, add: readonly Node[] = []): Model {
  let done = false;
  const nodes = DECODER.graph.nodes.map((node) => {
    if (done || node.opType !== "GroupQueryAttention") return node;
    done = true;
    return change(node);
  });
  return { ...DECODER, graph: { ...DECODER.graph, nodes: [...nodes, ...add] } };
}

const withAttributes = (attributes: Readonly<Record<string, Attribute>>) =>
  withAttention((node) => ({ ...node, attributes: new Map([...node.attributes, ...Object.entries(attributes)]) }));
const withInput = (at: number, value: string) =>
  withAttention((node) => {
    const inputs = Array.from({ length: Math.max(node.inputs.length, at + 1) }, (_, i) => node.inputs[i] ?? "");
    return { ...node, inputs: inputs.with(at, value) };
  });
const reader = (opType: string, input: string): Node => ({
  name: opType,
  opType,
  domain: "",
  inputs: [input],
  outputs: [`${opType} of ${input}`],
  attributes: new Map(),
});

function reasonOf(model: Model): string | undefined {
  const g = new GraphEdit(model);
  const layers = gqaLayers(g, CACHE);
  if (typeof layers === "string") return layers;
  const graph = flatten(model, "every");
  return whyNotGqa(g, layers[0]!, new LengthValues(graph, new Values(graph), classifyIo(graph.inputs, graph.outputs)));
}

describe("gqaLayers", () => {
  it("finds the attention of every layer with its keys and values", () => {
    const layers = gqaLayers(new GraphEdit(DECODER), CACHE);
    expect(layers).toMatchObject([
      { keys: { past: "past_key_values.0.key" }, values: { present: "present.0.value" } },
      { keys: { past: "past_key_values.1.key" }, values: { present: "present.1.value" } },
    ]);
  });

  it.each<[string, Model]>([
    ["the past of another layer", withInput(3, "past_key_values.1.key")],
    ["no past", withInput(3, "")],
    [
      "keys for values",
      withAttention((node) => ({ ...node, outputs: [node.outputs[0]!, node.outputs[2]!, node.outputs[1]!] })),
    ],
    ["another's operator", withAttention((node) => ({ ...node, domain: "other" }))],
  ])("says whose cache is not one: %s", (_name, model) => {
    expect(reasonOf(model)).toMatch(/^present\.0\.\w+ is not made of past_key_values\.0\.\w+ by GroupQueryAttention$/);
  });
});

describe("whyNotGqa", () => {
  it("has nothing against what exporters write", () => expect(reasonOf(DECODER)).toBeUndefined());

  it.each<[string, Model, RegExp]>([
    ["an attribute that nobody knows", withAttributes({ unheard_of: intAttribute(1) }), /with unheard_of/],
    ["a smooth softmax", withAttributes({ smooth_softmax: intAttribute(1) }), /smooth softmax/],
    ["heads that do not divide", withAttributes({ num_heads: intAttribute(3) }), /of 3 heads on 2/],
    ["other heads than the cache", withAttributes({ kv_num_heads: intAttribute(4) }), /of 4 heads on 4/],
    ["a number of another kind", withAttributes({ num_heads: stringAttribute("4") }), /of 0 heads on 2/],
    ["a bias", withInput(10, "bias"), /bias of its own/],
    ["scales of a quantised cache", withInput(12, "k_scale"), /quantised cache/],
    ["values packed and apart", withInput(1, "keys"), /without values/],
    [
      "lengths that are not the mask's",
      withInput(5, "/model/attention_lengths/total/Cast/output_0"),
      /lengths of its own/,
    ],
    ["no tables", withInput(7, ""), /without tables/],
    ["tables of another width", withInput(7, "model.norm.weight"), /a part of each head/],
    [
      "a past that another reads",
      withAttention((node) => node, [reader("Shape", "past_key_values.0.key")]),
      /read by others/,
    ],
    ["a present that another reads", withAttention((node) => node, [reader("Neg", "present.0.value")]), /read inside/],
  ])("names %s", (_name, model, reason) => expect(reasonOf(model)).toMatch(reason));
});

describe("rewriteGqa", () => {
  it.each<[string, Readonly<Record<string, Attribute>>]>([
    ["a softcap", { softcap: floatAttribute(2) }],
    ["a window", { local_window_size: intAttribute(5) }],
    ["a scale of its own", { scale: floatAttribute(0.7) }],
    ["the default scale", { scale: floatAttribute(0) }],
    ["pairs rotated side by side", { rotary_interleaved: intAttribute(1) }],
    ["no rotation", { do_rotary: intAttribute(0) }],
  ])("gives what the fused node gives: %s", async (_name, attributes) => {
    const model = withAttributes(attributes);
    const rewrite = rewriteDecoder(model, CACHE);
    if (rewrite.form !== "lean") throw new Error(rewrite.form);
    const [fused, lean] = [await openCached(model, CACHE), await openCached(rewrite.model, CACHE)];
    for (const width of [1, 6, 1, 4, 9, 1]) {
      const tokens = Array.from({ length: width }, (_, i) => ((fused.cache.length + i) * 7) % 90);
      const [right, found] = [await fused.forward(tokens), await lean.forward(tokens)];
      expect(Math.max(...right.map((value, i) => Math.abs(value - found[i]!)))).toBeLessThan(1e-4);
    }
    await fused.release();
    await lean.release();
  });
});
