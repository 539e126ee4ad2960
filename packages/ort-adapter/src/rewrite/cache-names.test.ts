import { describe, expect, it } from "vitest";
import type { Model, ValueInfo } from "../onnx/model.ts";
import { sampleDecoder } from "../testing/sample-decoder.ts";
import { cacheNames } from "./cache-names.ts";

function withPast(change: (past: ValueInfo) => ValueInfo): Model {
  const model = sampleDecoder();
  const inputs = model.graph.inputs.map((value) => (value.name === "past_key_values.1.key" ? change(value) : value));
  return { ...model, graph: { ...model.graph, inputs } };
}

describe("cacheNames", () => {
  it("names the cache of every layer, key and value", () => {
    const names = cacheNames(sampleDecoder());
    expect(names).toHaveLength(6);
    expect(names[3]).toEqual({ past: "past_key_values.1.value", present: "present.1.value", heads: 2, headDim: 16 });
  });

  it("takes sizes that the graph leaves open from beside it", () => {
    const open = withPast((past) => ({ ...past, shape: ["batch", "heads", "past", "head_size"] }));
    expect(cacheNames(open)).toBe("past_key_values.1.key has no fixed size");
    expect(cacheNames(open, { heads: 2, headDim: 16 })).toEqual(cacheNames(sampleDecoder()));
  });

  it.each<[string, (past: ValueInfo) => ValueInfo, string]>([
    ["another type", (past) => ({ ...past, type: "int8" }), "past_key_values.1.key is int8"],
    ["no type", (past) => ({ ...past, type: undefined }), "past_key_values.1.key is of no known type"],
    ["no present", (past) => ({ ...past, name: "past_key_values.7.key" }), "past_key_values.7.key has no present"],
    [
      "the present of another",
      (past) => ({ ...past, name: "past.0.key" }),
      "present.0.key is the present of two pasts",
    ],
    [
      "keys and values in one",
      (past) => ({ ...past, shape: [2, "batch", 2, "past", 16] }),
      "past_key_values.1.key is not [batch, heads, positions, headDim]",
    ],
    [
      "other state",
      (past) => ({ ...past, name: "past_conv.1" }),
      "past_conv.1 is state that does not rewind by length",
    ],
  ])("says why it is none that a rewrite can serve: %s", (_name, change, reason) => {
    expect(cacheNames(withPast(change), { heads: 2, headDim: 16 })).toBe(reason);
  });

  it("wants a cache at all", () => {
    const { graph, ...model } = sampleDecoder();
    const inputs = graph.inputs.filter(({ name }) => !name.startsWith("past"));
    expect(cacheNames({ ...model, graph: { ...graph, inputs } })).toBe("no KV cache of key and value tensors");
  });
});
