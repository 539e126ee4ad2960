import { intAttribute } from "../../onnx/graph/attributes.ts";
import { classifyIo } from "../../onnx/graph/classify-io.ts";
import type { Model, Node } from "../../onnx/model.ts";
import { GraphEdit } from "../graph-edit.ts";

/** A model whose every row has logits, or why it cannot be made into one, in words. */
export type Unpruned = { readonly model: Model } | { readonly reason: string };

/** Operators between the last position and the logits whose rows have nothing to do with each other: inputs that carry rows. */
const ROW_BY_ROW: Readonly<Record<string, readonly number[]>> = {
  MatMul: [0],
  MatMulNBits: [0],
  Cast: [0],
  Tanh: [0],
  Identity: [0],
  LayerNormalization: [0],
  SimplifiedLayerNormalization: [0],
  RMSNormalization: [0],
  Add: [0, 1],
  Sub: [0, 1],
  Mul: [0, 1],
  Div: [0, 1],
};
/** Ends of slices that mean "to the end" are some large number. */
const TO_THE_END = 2 ** 30;

/**
 * Takes the choice of the last position out of a pruned head: a Gather or Slice of the sequence axis with a fixed last index (the
 * onnxruntime-genai builder's `prune_lm_head`), and the Unsqueeze behind it.
 */
export function unpruneHead(model: Model): Unpruned {
  const g = new GraphEdit(model);
  const { inputs, outputs } = model.graph;
  const { logits } = classifyIo(inputs, outputs);
  if (logits === undefined) return { reason: "the graph has no logits" };
  const picks = new Set<Node>();
  const obstacle = collectPicks(g, logits.name, picks);
  if (obstacle !== undefined) return { reason: obstacle };
  if (picks.size === 0) return { reason: "nothing between the last weights and the logits picks the last position" };
  for (const pick of picks) {
    const [all = ""] = pick.inputs;
    for (const output of [pick, ...unsqueezed(g, pick)].map(({ outputs: [first] }) => first!)) {
      if (g.isCaptured(output)) return { reason: `${output} is read inside a branch` };
      g.redirect(output, all);
    }
  }
  const [batch, rows] = inputs.find(({ name }) => name === "input_ids")?.shape ?? [];
  g.reshape(logits.name, [batch, rows ?? "sequence_length", logits.shape?.at(-1)]);
  return { model: g.build() };
}

/** Walks from the logits back to what picks the last position; what stands in the way, in words. */
function collectPicks(g: GraphEdit, value: string, picks: Set<Node>): string | undefined {
  if (g.constant(value) !== undefined) return undefined;
  const node = g.producer(value);
  if (node === undefined) return `${value} is an input`;
  if (node.opType === "Unsqueeze" && axesOf(g, node)?.join() === "1") return collectPicks(g, node.inputs[0]!, picks);
  if (picksLast(g, node)) {
    picks.add(node);
    return undefined;
  }
  const carriers = ROW_BY_ROW[node.opType];
  if (carriers === undefined) return `${node.opType} ${node.name} stands between the last position and the logits`;
  for (const i of carriers) {
    const obstacle = collectPicks(g, node.inputs[i]!, picks);
    if (obstacle !== undefined) return obstacle;
  }
  return undefined;
}

/** Whether a node leaves the last position of [batch, sequence, width] alone. */
function picksLast(g: GraphEdit, node: Node): boolean {
  const only = (i: number) => {
    const values = g.integers(node.inputs[i] ?? "");
    return values?.length === 1 ? values[0] : undefined;
  };
  if (node.opType === "Gather") return isSequence(intAttribute(node, "axis") ?? 0) && only(1) === -1;
  if (node.opType !== "Slice" || only(1) !== -1) return false;
  const toTheEnd = (only(2) ?? 0) > TO_THE_END;
  return toTheEnd && isSequence(only(3) ?? 0) && (node.inputs[4] === undefined || only(4) === 1);
}

function isSequence(axis: number): boolean {
  return axis === 1 || axis === -2;
}

/** A Gather with a scalar index drops the axis, and these bring it back. */
function unsqueezed(g: GraphEdit, pick: Node): Node[] {
  return g.readers(pick.outputs[0]!).filter((node) => node.opType === "Unsqueeze" && axesOf(g, node)?.join() === "1");
}

function axesOf(g: GraphEdit, { inputs, attributes }: Node): readonly number[] | undefined {
  const attribute = attributes.get("axes");
  return attribute?.kind === "ints" ? attribute.value : g.integers(inputs[1] ?? "");
}
