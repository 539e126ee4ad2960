import { expect, it } from "vitest";
import type { ValueInfo } from "../model.ts";
import { classifyIo } from "./classify-io.ts";

const values = (...names: string[]): ValueInfo[] =>
  names.map((name) => ({ name, type: "float16", shape: ["batch_size", 4, "past_sequence_length", 64] }));

it.each([
  ["past_key_values.11.key", "present.11.key", 11, "key"],
  ["past_key_values.0.decoder.value", "present.0.decoder.value", 0, "value"],
  ["past_key_values.2.value", "present_key_values.2.value", 2, "value"],
  ["past_key_3", "present_key_3", 3, "key"],
  ["past_values_3", "present_values_3", 3, "value"],
] as const)("pairs %s with %s", (past, present, layer, part) => {
  expect(classifyIo(values(past), values("logits", present)).kv).toEqual([
    { layer, part, past, present, type: "float16", heads: 4, headDim: 64 },
  ]);
});

it("leaves out what the graph does not fix", () => {
  const [pair] = classifyIo([{ name: "past_key_values.0.key", shape: [1, "heads", 16] }], []).kv;
  expect(pair).toMatchObject({ present: undefined, type: undefined, heads: undefined, headDim: undefined });
});

it("finds the other inputs of transformers.js and genai exports", () => {
  const names = ["input_ids", "attention_mask", "position_ids", "num_logits_to_keep"];
  expect(classifyIo(values(...names), values("logits"))).toMatchObject({
    attentionMask: "attention_mask",
    positionIds: "position_ids",
    logitsToKeep: "num_logits_to_keep",
    logits: { name: "logits" },
    kv: [],
    state: [],
  });
});

it("finds state that does not rewind by length", () => {
  const names = ["past_conv.0", "past_recurrent.1", "past_ssm.2", "past_key_values.3.key"];
  expect(classifyIo(values(...names), values("logits"))).toMatchObject({
    state: names.slice(0, 3),
    kv: [{ layer: 3 }],
  });
});

it("is not slowed down by names made to do so", () => {
  const name = `past${"_a".repeat(100_000)}`;
  expect(classifyIo(values(name), []).kv).toEqual([]);
});
