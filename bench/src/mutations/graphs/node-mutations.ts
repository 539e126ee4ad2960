import type { Attribute, Graph, Node } from "@nearfree/ort-adapter/onnx";
import type { GraphDraft } from "./graph-draft.ts";

/** Names are nothing: numbers, names of the rewrite's own, names of other languages. */
export function rename(g: GraphDraft): void {
  const prefix = g.pick(["v", "/nearfree/layer0/q", "/nearfree/int64/[", "größe ", "past_key_values."]);
  const fixed = new Set([...g.inputs, ...g.outputs].map(({ name }) => name));
  const share = g.pick([1, 0.3]);
  const names = new Map<string, string>();
  const renamed = (name: string) => {
    if (name === "" || fixed.has(name)) return name;
    if (!names.has(name)) names.set(name, g.chance(share) ? `${prefix}${names.size}` : name);
    return names.get(name)!;
  };
  const renameGraph = <Part extends Pick<Graph, "nodes" | "initializers">>(graph: Part): Part => ({
    ...graph,
    nodes: graph.nodes.map(renameNode),
    initializers: graph.initializers.map((tensor) => ({ ...tensor, name: renamed(tensor.name) })),
  });
  const renameNode = (node: Node): Node => {
    const attributes = [...node.attributes].map(([name, attribute]): [string, Attribute] => {
      if (attribute.kind !== "graph") return [name, attribute];
      const { value } = attribute;
      const outputs = value.outputs.map((output) => ({ ...output, name: renamed(output.name) }));
      return [name, { kind: "graph", value: { ...renameGraph(value), outputs } }];
    });
    return {
      ...node,
      inputs: node.inputs.map(renamed),
      outputs: node.outputs.map(renamed),
      attributes: new Map(attributes),
    };
  };
  const { nodes, initializers } = renameGraph({ nodes: g.nodes, initializers: g.initializers });
  g.nodes = [...nodes];
  g.initializers = [...initializers];
}

/** A node goes; who read it reads its first input. */
export function drop(g: GraphDraft): void {
  const node = g.node(({ inputs, outputs }) => inputs.length > 0 && outputs.length > 0);
  if (node === undefined) return;
  const source = node.inputs.find((name) => name !== "" && g.constant(name) === undefined) ?? node.inputs[0]!;
  const [output = ""] = node.outputs;
  if (g.isOutput(output)) g.replace(node, g.make("Identity", [source], {}, { output }));
  else {
    g.nodes = g.nodes
      .filter((each) => each !== node)
      .map((each) => ({ ...each, inputs: each.inputs.map((name) => (name === output ? source : name)) }));
  }
}

/** The same node twice, some readers at each. */
export function duplicate(g: GraphDraft): void {
  const node = g.node(({ outputs }) => outputs.length > 0);
  if (node === undefined) return;
  const outputs = node.outputs.map((name) => (name === "" || g.chance(0.1) ? "" : g.fresh("copy")));
  g.insertBefore(node, { ...node, name: g.fresh("twice"), outputs });
  const copies = new Map(node.outputs.map((name, i) => [name, outputs[i]!]));
  for (const reader of g.nodes.filter((each) => each !== node)) {
    const inputs = reader.inputs.map((name) => {
      const copy = copies.get(name);
      return copy !== undefined && copy !== "" && g.chance(0.5) ? copy : name;
    });
    g.replace(reader, { ...reader, inputs });
  }
}

/** Another order: one that still goes forward, mostly. */
export function reorder(g: GraphDraft): void {
  if (g.chance(0.2)) {
    const [a, b] = [g.below(g.nodes.length), g.below(g.nodes.length)];
    [g.nodes[a], g.nodes[b]] = [g.nodes[b]!, g.nodes[a]!];
    return;
  }
  const waiting = [...g.nodes];
  const order: Node[] = [];
  const made = new Set<string>();
  const own = new Set(g.values);
  while (waiting.length > 0) {
    const ready = waiting.filter((node) => needs(node).every((name) => !own.has(name) || made.has(name)));
    const next = ready.length > 0 ? g.pick(ready) : waiting[0]!;
    waiting.splice(waiting.indexOf(next), 1);
    order.push(next);
    for (const output of next.outputs) made.add(output);
  }
  g.nodes = order;
}

function needs({ inputs, attributes }: Node): string[] {
  const inner = [...attributes.values()].flatMap((attribute) =>
    attribute.kind === "graph" ? attribute.value.nodes.flatMap(needs) : [],
  );
  return [...inputs, ...inner];
}

/** Two inputs of a node change places, or one comes from the same place of another node of its kind, or is left out. */
export function rewire(g: GraphDraft): void {
  const node = g.node(({ inputs }) => inputs.length > 1);
  if (node === undefined) return;
  const inputs = [...node.inputs];
  const at = g.below(inputs.length);
  const how = g.below(4);
  if (how === 0) inputs[at] = "";
  else if (how === 1) {
    const other = g.below(inputs.length);
    [inputs[at], inputs[other]] = [inputs[other]!, inputs[at]!];
  } else {
    const before = g.nodes.slice(0, g.nodes.indexOf(node));
    const twins = (how === 2 ? g.nodes : before).filter((each) => each.opType === node.opType && each.inputs[at]);
    if (twins.length === 0) return;
    inputs[at] = g.pick(twins).inputs[at]!;
  }
  g.replace(node, { ...node, inputs });
}
