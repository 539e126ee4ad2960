import { expect, it } from "vitest";
import { intAttribute } from "../../onnx/graph/attributes.ts";
import type { Model } from "../../onnx/model.ts";
import { sampleDecoder } from "../../testing/sample-decoder.ts";
import { setAccuracyLevel } from "./set-accuracy-level.ts";

const levels = ({ graph }: Model) =>
  new Set(
    graph.nodes.filter(({ opType }) => opType === "MatMulNBits").map((node) => intAttribute(node, "accuracy_level")),
  );

it("gives every node the level, and counts those that had another", () => {
  const model = sampleDecoder({ quantisation: "int4", accuracyLevel: 0 });
  const { model: edited, changed, nodes, before } = setAccuracyLevel(model, 4);
  expect(changed).toBe(nodes);
  expect(nodes).toBe(model.graph.nodes.filter(({ opType }) => opType === "MatMulNBits").length);
  expect(before).toEqual([0]);
  expect(levels(edited)).toEqual(new Set([4]));
  expect(levels(model)).toEqual(new Set([0]));
  expect(setAccuracyLevel(edited, 4)).toMatchObject({ changed: 0, before: [4] });
});

it("finds none where nothing is quantised so", () => {
  expect(setAccuracyLevel(sampleDecoder(), 4)).toMatchObject({ changed: 0, nodes: 0, before: [] });
});

it("reaches nodes in branches", () => {
  const { graph, ...model } = sampleDecoder({ quantisation: "int4", accuracyLevel: 1 });
  const branch = { kind: "graph" as const, value: { ...graph, inputs: [] } };
  const node = { name: "/if", opType: "If", domain: "", inputs: ["use"], outputs: ["logits"] };
  const attributes = new Map([
    ["then_branch", branch],
    ["else_branch", branch],
  ] as const);
  const merged = { ...model, graph: { ...graph, nodes: [{ ...node, attributes }] } };
  const { model: edited, changed } = setAccuracyLevel(merged, 4);
  expect(changed).toBe(2 * graph.nodes.filter(({ opType }) => opType === "MatMulNBits").length);
  const inner = edited.graph.nodes[0]!.attributes.get("then_branch");
  expect(inner?.kind === "graph" && levels({ ...model, graph: inner.value })).toEqual(new Set([4]));
});
