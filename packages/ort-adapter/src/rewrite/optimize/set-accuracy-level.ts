import { intAttribute } from "../../build/graph-builder.ts";
import { intAttribute as intOf } from "../../onnx/graph/attributes.ts";
import type { Attribute, Graph, Model, Node } from "../../onnx/model.ts";
import type { AccuracyLevel } from "./optimize-step.ts";

export interface LevelChange {
  readonly model: Model;
  /** MatMulNBits nodes that had another level. */
  readonly changed: number;
  /** All of them, branches included. */
  readonly nodes: number;
  /** Levels before, ascending. */
  readonly before: readonly number[];
}

/** Gives every MatMulNBits node the accuracy level `level`, in branches too. */
export function setAccuracyLevel(model: Model, level: AccuracyLevel): LevelChange {
  let [changed, nodes] = [0, 0];
  const before = new Set<number>();
  const edit = (graph: Graph): Graph => ({ ...graph, nodes: graph.nodes.map(editNode) });
  const editNode = (node: Node): Node => {
    const attributes = new Map<string, Attribute>();
    for (const [name, attribute] of node.attributes) attributes.set(name, editAttribute(attribute));
    if (node.opType === "MatMulNBits") {
      const had = intOf(node, "accuracy_level") ?? 0;
      nodes++;
      if (had !== level) changed++;
      before.add(had);
      attributes.set("accuracy_level", intAttribute(level));
    }
    return { ...node, attributes };
  };
  const editAttribute = (attribute: Attribute): Attribute => {
    if (attribute.kind === "graph") return { kind: "graph", value: edit(attribute.value) };
    if (attribute.kind === "graphs") return { kind: "graphs", value: attribute.value.map(edit) };
    return attribute;
  };
  const graph = edit(model.graph);
  return { model: { ...model, graph }, changed, nodes, before: [...before].sort((a, b) => a - b) };
}
