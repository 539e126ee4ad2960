import type { Attribute, Graph, Node, Tensor } from "../onnx/model.ts";
import type { ModelFiles } from "../onnx/read/byte-source.ts";

/**
 * The graph with its small constants inline, since shapes are inferred from them, and its large ones where they are: those inside the
 * original's own file under the location `own`.
 */
export function withStoredWeights(graph: Graph, files: ModelFiles, own: string): Graph {
  const initializers = graph.initializers.map((tensor): Tensor => {
    if (tensor.data !== undefined || tensor.stored === undefined) return { ...tensor, stored: undefined };
    return { ...tensor, stored: { ...tensor.stored, location: tensor.stored.location ?? own } };
  });
  return { ...graph, initializers, nodes: graph.nodes.map((node) => withInlineConstants(node, files)) };
}

/** Tensors of attributes cannot point into another file: their bytes come along. */
function withInlineConstants(node: Node, files: ModelFiles): Node {
  if (![...node.attributes.values()].some(({ kind }) => kind === "tensor" || kind === "graph")) return node;
  const attributes = new Map<string, Attribute>();
  for (const [name, attribute] of node.attributes) attributes.set(name, inline(attribute, files));
  return { ...node, attributes };
}

function inline(attribute: Attribute, files: ModelFiles): Attribute {
  if (attribute.kind === "tensor") return { kind: "tensor", value: inlineTensor(attribute.value, files) };
  if (attribute.kind !== "graph") return attribute;
  const { value: graph } = attribute;
  return {
    kind: "graph",
    value: {
      ...graph,
      nodes: graph.nodes.map((node) => withInlineConstants(node, files)),
      initializers: graph.initializers.map((tensor) => inlineTensor(tensor, files)),
    },
  };
}

function inlineTensor(tensor: Tensor, files: ModelFiles): Tensor {
  const { data, stored } = tensor;
  if (data !== undefined || stored === undefined) return { ...tensor, stored: undefined };
  const source = stored.location === undefined ? files.model : files.external?.(stored.location);
  return { ...tensor, data: source?.read(stored.offset, stored.length), stored: undefined };
}
