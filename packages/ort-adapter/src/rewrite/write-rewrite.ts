import { link, mkdir, open, realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { externalLocations } from "../onnx/external-locations.ts";
import type { Attribute, Graph, Model, Node, Tensor } from "../onnx/model.ts";
import type { ModelFiles } from "../onnx/read/byte-source.ts";
import { insideFolder } from "../onnx/read/inside-folder.ts";
import { encodeModelToBytes } from "../onnx/write/writer.ts";

/** The graph's file in the folder of a rewrite. */
export const REWRITE_FILE = "nearfree.onnx";

export interface RewriteTarget {
  /** The original's file, and what it was read from. */
  readonly source: string;
  readonly files: ModelFiles;
  /** Must exist. */
  readonly folder: string;
  /** Default {@link REWRITE_FILE}. */
  readonly fileName?: string;
  /** What weights inside the original's file are found under. Default: its name. */
  readonly ownAs?: string;
  /** Files of weights that are in the folder already: by their location. */
  readonly present?: ReadonlySet<string>;
}

/**
 * Writes a rewritten graph into a folder: its large weights stay in the files of the original, which are hard-linked beside it and
 * referred to by offset. ONNX Runtime refuses symbolic links out of the folder.
 *
 * @throws what the file system says: `EXDEV` across file systems, `EPERM` where there are no hard links.
 */
export async function writeRewrite(model: Model, target: RewriteTarget): Promise<string> {
  const { source, files, folder, fileName = REWRITE_FILE, ownAs = basename(source), present } = target;
  const graph = withStoredWeights(model.graph, files, ownAs);
  for (const location of externalLocations(graph)) {
    if (present?.has(location)) continue;
    const inside = insideFolder(source, location);
    const original = location === ownAs ? basename(source) : inside;
    await mkdir(dirname(join(folder, inside)), { recursive: true });
    await link(await realpath(join(dirname(source), original)), join(folder, inside));
  }
  const path = join(folder, fileName);
  const file = await open(path, "wx");
  try {
    await file.writeFile(encodeModelToBytes({ ...model, graph }));
    await file.sync();
  } finally {
    await file.close();
  }
  return path;
}

/** Small constants inline, since shapes are inferred from them; large ones where they are. */
function withStoredWeights(graph: Graph, files: ModelFiles, own: string): Graph {
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
