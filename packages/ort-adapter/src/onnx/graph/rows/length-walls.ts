import type { Node } from "../../model.ts";
import type { Values } from "../constants.ts";
import type { FlatGraph } from "../flatten.ts";
import type { LengthValue } from "./length-value.ts";
import type { LengthValues } from "./length-values.ts";

/** What depends on the length of the text, beside attention. */
export interface LengthEffects {
  /** Ascending indexes of positions at which a switch of the graph turns, each position run alone. */
  readonly walls: readonly number[];
  /** A switch whose place the graph does not show. */
  readonly hiddenSwitch: boolean;
  /** Something that is another at every length multiplies activations or angles: dynamic NTK. */
  readonly moving: boolean;
}

const COMPARISONS = new Set(["Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal"]);
const PRODUCTS = new Set(["Mul", "Div", "Pow", "MatMul", "FusedMatMul", "Gemm", "Einsum"]);
/** Operators through which a vector that follows from a length and constants stays one. */
const CARRIERS = new Set([
  ...PRODUCTS,
  ...["Reciprocal", "Sqrt", "Exp", "Log", "Neg", "Add", "Sub", "Min", "Max", "Where", "Concat", "Expand"],
  ...["Cast", "Identity", "Unsqueeze", "Squeeze", "Reshape", "Transpose"],
]);

/** Looks for switches on the total length (the tables of LongRoPE) and for factors that follow it. */
export function lengthEffects(graph: FlatGraph, values: Values, lengths: LengthValues): LengthEffects {
  const walls = new Set<number>();
  let hiddenSwitch = false;
  let moving = false;
  const following = new Set<string>();
  const follows = (value: string) => following.has(value) || (isFloat(values, value) && moves(lengths.elements(value)));
  const live = liveNodes(graph);
  for (const node of graph.nodes) {
    const [output = ""] = node.outputs;
    if (!live.has(node)) continue;
    const found = lengths.elements(output);
    if (COMPARISONS.has(node.opType)) {
      for (const step of found?.flatMap((element) => element?.steps ?? []) ?? []) walls.add(step);
      hiddenSwitch ||= found === undefined ? comparesHidden(node, values, lengths) : moves(found);
    }
    if (found !== undefined || !CARRIERS.has(node.opType) || !node.inputs.some(follows)) continue;
    const data = node.inputs.filter((input) => !follows(input) && !isKnown(input, values, lengths));
    if (data.length === 0) following.add(output);
    else moving ||= PRODUCTS.has(node.opType);
  }
  return { walls: [...walls].sort((a, b) => a - b), hiddenSwitch, moving };
}

/** A single number that no constant of the file gives, compared with a length. */
function comparesHidden({ inputs }: Node, values: Values, lengths: LengthValues): boolean {
  const [a = "", b = ""] = inputs;
  const hidden = (value: string) => values.isConstant(value) && values.constant(value) === undefined;
  const length = (value: string) => {
    const elements = lengths.elements(value);
    return elements?.length === 1 && moves(elements);
  };
  return (length(a) && hidden(b)) || (length(b) && hidden(a));
}

function moves(elements: readonly (LengthValue | undefined)[] | undefined): boolean {
  return elements?.some((element) => element !== undefined && element.steps === undefined) ?? false;
}

function isKnown(value: string, values: Values, lengths: LengthValues): boolean {
  return values.isConstant(value) || lengths.elements(value) !== undefined;
}

function isFloat(values: Values, value: string): boolean {
  return /float/.test(values.type(value) ?? "");
}

/** Nodes that an output of the graph depends on. */
function liveNodes(graph: FlatGraph): Set<Node> {
  const wanted = new Set(graph.outputs.map(({ name }) => name));
  const live = new Set<Node>();
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((output) => wanted.has(output))) continue;
    live.add(node);
    for (const input of node.inputs) wanted.add(input);
  }
  return live;
}
