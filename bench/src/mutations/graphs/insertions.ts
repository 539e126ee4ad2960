import type { Attribute, Graph, Node } from "@nearfree/ort-adapter/onnx";
import { FLOAT, type GraphDraft, int, intList } from "./graph-draft.ts";

/** A node more on an edge: one that changes nothing, or one that does. */
export function insert(g: GraphDraft): void {
  const node = g.node(({ inputs }) => inputs.some((name) => name !== ""));
  if (node === undefined) return;
  const at = g.pick(node.inputs.flatMap((name, i) => (name === "" ? [] : [i])));
  const value = node.inputs[at]!;
  const kind = g.below(9);
  const chain: Node[] = [];
  const add = (opType: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}) => {
    const made = g.make(opType, inputs, attributes);
    chain.push(made);
    return made.outputs[0]!;
  };
  const turn = intList(0, 2, 1, 3);
  const ends: Readonly<Record<number, () => string>> = {
    0: () => add("Identity", [value]),
    1: () => add("Cast", [value], { to: FLOAT }),
    2: () => add("Mul", [value, g.float(g.pick([1, 0.5, 2]))]),
    3: () => add("Div", [value, g.float(g.pick([1, 0.5]))]),
    4: () => add("Transpose", [add("Transpose", [value], { perm: turn })], { perm: turn }),
    5: () => add("Slice", [value, g.ints(0), g.ints(1 << 30), g.ints(g.pick([0, 1, 2, -1]))]),
    6: () => add("Concat", [value], { axis: int(g.pick([0, 1, 2])) }),
    7: () => add(g.pick(["Neg", "Relu", "Abs", "Tanh"]), [value]),
    8: () => add("Squeeze", [add("Unsqueeze", [value, g.ints(2)]), g.ints(2)]),
  };
  const end = ends[kind]!();
  g.insertBefore(node, ...chain);
  const index = g.nodes.indexOf(node);
  g.nodes[index] = { ...node, inputs: node.inputs.map((name, i) => (i === at ? end : name)) };
}

/** An operator that nobody knows, or a known one of a domain that nobody knows. */
export function unknown(g: GraphDraft): void {
  const node = g.node();
  if (node === undefined) return;
  if (g.chance(0.5)) g.replace(node, { ...node, domain: g.pick(["com.unknown", "ai.onnx.ml", "ai.onnx"]) });
  else
    g.replace(node, { ...node, opType: g.pick(["Unheard", "GroupQueryAttention", "Concat", "DynamicQuantizeLinear"]) });
}

/** A value is read inside the branches of an If, and comes out again. */
export function capture(g: GraphDraft): void {
  const value = g.chance(0.4)
    ? g.pick([...g.pasts, ...g.presents])
    : g.pick(g.node()?.inputs.filter((name) => name) ?? []);
  const reader = value === undefined ? undefined : g.pick(g.readers(value));
  if (value === undefined || reader === undefined) return;
  const branch = (opType: string): Graph => {
    const output = g.fresh("branch");
    return {
      name: output,
      nodes: [g.make(opType, [value], {}, { output })],
      initializers: [],
      inputs: [],
      outputs: [{ name: output }],
      valueInfos: [],
    };
  };
  const condition = g.fresh("condition");
  g.initializers.push({ name: condition, type: "bool", dims: [], data: Uint8Array.of(g.below(2)) });
  const chosen = g.make("If", [condition], {
    then_branch: { kind: "graph", value: branch("Identity") },
    else_branch: { kind: "graph", value: branch(g.pick(["Identity", "Neg"])) },
  });
  g.insertBefore(reader, chosen);
  const inputs = reader.inputs.map((name) => (name === value ? chosen.outputs[0]! : name));
  g.nodes[g.nodes.indexOf(reader)] = { ...reader, inputs };
}
