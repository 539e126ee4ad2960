import type { Attribute, Graph, Model, Node } from "../onnx/model.ts";

/** The same model with other names: nodes get what `nodeName` says, values get numbers, inputs and outputs keep theirs. */
export function renameModel(model: Model, nodeName: (index: number) => string): Model {
  const names = new Map<string, string>([["", ""]]);
  for (const { name } of [...model.graph.inputs, ...model.graph.outputs]) names.set(name, name);
  const rename = (name: string): string => {
    if (!names.has(name)) names.set(name, `value_${names.size}`);
    return names.get(name)!;
  };
  let count = 0;
  const renameAttribute = (attribute: Attribute): Attribute =>
    attribute.kind === "graph" ? { kind: "graph", value: renameGraph(attribute.value) } : attribute;
  const renameNode = (node: Node): Node => ({
    ...node,
    name: nodeName(count++),
    inputs: node.inputs.map(rename),
    outputs: node.outputs.map(rename),
    attributes: new Map([...node.attributes].map(([name, attribute]) => [name, renameAttribute(attribute)])),
  });
  const renameGraph = (graph: Graph): Graph => ({
    name: "renamed",
    nodes: graph.nodes.map(renameNode),
    initializers: graph.initializers.map((tensor) => ({ ...tensor, name: rename(tensor.name) })).reverse(),
    inputs: graph.inputs.map((value) => ({ ...value, name: rename(value.name) })),
    outputs: graph.outputs.map((value) => ({ ...value, name: rename(value.name) })),
    valueInfos: [],
  });
  return { ...model, producerName: "another", graph: renameGraph(model.graph) };
}
