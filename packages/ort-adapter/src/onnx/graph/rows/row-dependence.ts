import type { Dim, Node } from "../../model.ts";
import { intAttribute } from "../attributes.ts";
import type { IoClasses } from "../classify-io.ts";
import type { Values } from "../constants.ts";
import type { FlatGraph } from "../flatten.ts";
import { weightedNode } from "../weights.ts";

/** Operators that find one scale for the whole of their first input. */
const ONE_SCALE = new Set(["DynamicQuantizeLinear", "DynamicQuantizeMatMul", "DynamicQuantizeLSTM"]);

/**
 * Why the rows of one forward depend on each other outside attention, in words; undefined where nothing in the graph says so. Quantised
 * weights and static scales are no reason.
 */
export function rowDependence(graph: FlatGraph, values: Values, io: IoClasses): string | undefined {
  const quantised = graph.nodes.find((node) => ONE_SCALE.has(node.opType) && !values.isConstant(node.inputs[0] ?? ""));
  if (quantised !== undefined) return `one activation scale for all rows of a forward (${quantised.opType})`;
  const activations = activationValues(graph, values);
  const mixing = graph.nodes.find(
    (node) => activations.has(node.inputs[0] ?? "") && mixesRows(node, graph, values, sequenceSymbol(graph, io)),
  );
  return mixing && `${mixing.opType} over all rows of a forward`;
}

/** Values that follow from an embedding or a product with weights. */
function activationValues(graph: FlatGraph, values: Values): ReadonlySet<string> {
  const found = new Set<string>();
  for (const node of graph.nodes) {
    if (values.isFolded(node) || node.opType === "Shape" || node.opType === "Size") continue;
    const begins = weightedNode(node, values) !== undefined || isEmbedding(node, values);
    if (begins || node.inputs.some((input) => found.has(input))) for (const output of node.outputs) found.add(output);
  }
  found.delete("");
  return found;
}

function isEmbedding({ opType, inputs }: Node, values: Values): boolean {
  const [table = "", ids = ""] = inputs;
  return /^Gather/.test(opType) && (values.weight(table)?.tensor.dims.length ?? 0) === 2 && !values.isConstant(ids);
}

function mixesRows(node: Node, graph: FlatGraph, values: Values, sequence: string | undefined): boolean {
  if (node.opType === "BatchNormalization") return intAttribute(node, "training_mode") === 1;
  // A running count (places in an expert's capacity) starts anew with every forward.
  if (node.opType === "CumSum") {
    const [axis] = values.integers(node.inputs[1]) ?? [];
    return axis === 0 || axis === -2 || crossesSequence(node, graph, [axis], sequence);
  }
  if (!node.opType.startsWith("Reduce")) return false;
  const axes = reducedAxes(node, values);
  return axes === "all" || crossesSequence(node, graph, axes, sequence);
}

function reducedAxes(node: Node, values: Values): readonly number[] | "all" {
  const attribute = node.attributes.get("axes");
  const axes = attribute?.kind === "ints" ? attribute.value : values.integers(node.inputs[1]);
  if (axes !== undefined && axes.length > 0) return axes;
  if (node.inputs[1] && axes === undefined) return [];
  return intAttribute(node, "noop_with_empty_axes") === 1 ? [] : "all";
}

/** Whether one of the axes is the sequence's, where the graph declares the value's shape. */
function crossesSequence(
  { inputs }: Node,
  graph: FlatGraph,
  axes: readonly (number | undefined)[],
  sequence: string | undefined,
): boolean {
  const shape: readonly Dim[] = graph.declared.get(inputs[0] ?? "")?.shape ?? [];
  return sequence !== undefined && axes.some((axis) => axis !== undefined && shape.at(axis) === sequence);
}

/** The name of the sequence axis: that of the logits. */
function sequenceSymbol(graph: FlatGraph, io: IoClasses): string | undefined {
  const dim = io.logits?.shape?.length === 3 ? io.logits.shape[1] : undefined;
  const batch = graph.inputs[0]?.shape?.[0];
  return typeof dim === "string" && dim !== batch ? dim : undefined;
}
