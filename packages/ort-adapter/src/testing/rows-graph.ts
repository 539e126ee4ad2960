import { GraphBuilder } from "../build/graph-builder.ts";
import { Values } from "../onnx/graph/constants.ts";
import { flatten } from "../onnx/graph/flatten.ts";
import { type RowConfig, readRowTraits } from "../onnx/graph/rows/read-row-traits.ts";
import type { RowTraits } from "../onnx/graph/rows/row-traits.ts";
import type { Graph, Model, Node } from "../onnx/model.ts";

/** The traits of a model in memory, every branch counted. */
export function traitsOf(model: Model, config?: RowConfig): RowTraits {
  const graph = flatten(model, "every");
  return readRowTraits(graph, new Values(graph), config);
}

/** What a test builds between the inputs of a small decoder and its logits. */
export interface RowsGraph {
  readonly graph: GraphBuilder;
  /** Float activations [batch_size, sequence_length, 8]. */
  readonly hidden: string;
  /** Names of inputs. */
  readonly tokens: string;
  readonly mask: string;
  readonly positions: string;
}

/** A graph of an embedding, what `between` makes of it, and a head: enough to be read, not to be run. */
export function rowsGraph(between: (parts: RowsGraph) => string): Model {
  const graph = new GraphBuilder();
  const tokens = graph.input("input_ids", "int64", ["batch_size", "sequence_length"]);
  const mask = graph.input("attention_mask", "int64", ["batch_size", "total_sequence_length"]);
  const positions = graph.input("position_ids", "int64", ["batch_size", "sequence_length"]);
  graph.input("past_key_values.0.key", "float32", ["batch_size", 2, "past_sequence_length", 4]);
  const table = graph.constant("embedding", "float32", [16, 8], new Float32Array(128));
  const hidden = graph.add("embed", "Gather", [table, tokens]);
  const found = between({ graph, hidden, tokens, mask, positions });
  const head = graph.constant("head", "float32", [8, 16], new Float32Array(128));
  graph.add("lm_head", "MatMul", [found, head], { output: "logits" });
  graph.output("logits", "float32", ["batch_size", "sequence_length", 16]);
  return graph.build("rows");
}

/** A branch of an If that gives one value of the graph around it, or a constant of its own. */
export function branch(output: string, nodes: readonly Node[] = []): Graph {
  return { name: "branch", nodes, initializers: [], inputs: [], outputs: [{ name: output }], valueInfos: [] };
}
