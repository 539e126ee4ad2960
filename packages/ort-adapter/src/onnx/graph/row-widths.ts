import type { Node } from "../model.ts";
import { intAttribute } from "./attributes.ts";
import type { Values } from "./constants.ts";
import type { NodeRole } from "./data-flow.ts";

/** Operators that give their input another shape and move nothing. */
const VIEWS = new Set(["Reshape", "Squeeze", "Unsqueeze", "Identity", "Flatten"]);
/** Operators of shapes, positions and masks: their outputs carry no hidden channels. */
const BOOKKEEPING = new Set(["Shape", "Size", "Range", "ConstantOfShape", "CumSum", "ReduceSum", "ArgMax", "NonZero"]);

/**
 * Elements that each value holds for one position: its channels. 0 for what has none or holds none that are known: masks, lengths,
 * the scores of a decomposed attention, which grow with the context.
 */
export class RowWidths {
  readonly #values: Values;
  readonly #widths = new Map<string, number>();
  /** #queries[level]: heads * headDim of that layer's attention. */
  readonly #queries: number[] = [];

  constructor(flow: readonly NodeRole[], values: Values) {
    this.#values = values;
    for (const role of flow) {
      const width = this.#outputWidth(role);
      // The scale and zero point of a dynamic quantisation are scalars.
      const wide = role.node.opType === "DynamicQuantizeLinear" ? 1 : role.node.outputs.length;
      for (const output of role.node.outputs.slice(0, wide)) if (output !== "") this.#widths.set(output, width);
    }
  }

  of(value: string | undefined): number {
    return this.#widths.get(value ?? "") ?? 0;
  }

  /** heads * headDim of the attention of layer `level`; 0 where the graph does not tell. */
  queries(level: number): number {
    return this.#queries[level] ?? 0;
  }

  #outputWidth({ node, weighted, attention, level }: NodeRole): number {
    if (attention) return this.#attentionWidth(node, level);
    if (weighted !== undefined) return weighted.columns ?? this.#widest(node);
    if (BOOKKEEPING.has(node.opType)) return 0;
    const table = node.opType.startsWith("Gather") ? this.#values.weight(node.inputs[0]) : undefined;
    if (table !== undefined) {
      const [rows = 1, ...rest] = table.tensor.dims;
      return intAttribute(node, "axis") || rows <= 1 ? 0 : rest.reduce((product, dim) => product * dim, 1);
    }
    const widest = this.#widest(node);
    return node.opType === "Split" ? widest / node.outputs.filter((output) => output !== "").length : widest;
  }

  /** The output of an attention is as wide as its queries; the scores between two products count as none. */
  #attentionWidth(node: Node, level: number): number {
    const fused = !/MatMul$|^Einsum$/.test(node.opType);
    const known = this.#queries[level];
    if (known !== undefined && !fused) return known;
    this.#queries[level] = fused ? this.#fusedQueries(node) : this.of(node.inputs[0]);
    return fused ? this.#queries[level]! : 0;
  }

  /** Queries, keys and values may come packed in one input: heads of queries, then kv_num_heads twice. */
  #fusedQueries(node: Node): number {
    const width = this.of(node.inputs[0]);
    const packed = node.opType === "GroupQueryAttention" && (node.inputs[1] ?? "") === "";
    const heads = intAttribute(node, "num_heads");
    const kvHeads = intAttribute(node, "kv_num_heads");
    if (!packed || heads === undefined || kvHeads === undefined) return width;
    return (width * heads) / (heads + 2 * kvHeads);
  }

  #widest(node: Node): number {
    return node.inputs.reduce((most, input) => Math.max(most, this.of(input)), 0);
  }
}

/**
 * Whether a node without weights runs as a kernel of its own. Views move nothing, and ONNX Runtime fuses into their neighbours:
 * the five nodes of a dynamic int8 product, and the Sigmoid of x * sigmoid(x).
 */
export function isLoose(node: Node, values: Values): boolean {
  if (VIEWS.has(node.opType) || node.opType === "DynamicQuantizeLinear") return false;
  const from = node.inputs.map((input) => values.producer(input)?.opType);
  if (node.opType === "Sigmoid") return !values.readersOf(node.outputs[0]).some((next) => multiplies(next, node));
  if (node.opType === "Cast") return from[0] !== "MatMulInteger";
  if (node.opType === "Mul") {
    if (from.includes("DynamicQuantizeLinear")) return false;
    const cast = node.inputs.map((input) => values.producer(input)).find((each) => each?.opType === "Cast");
    return values.producer(cast?.inputs[0] ?? "")?.opType !== "MatMulInteger";
  }
  return true;
}

/** x * sigmoid(x). */
function multiplies(next: Node, sigmoid: Node): boolean {
  return next.opType === "Mul" && next.inputs.includes(sigmoid.inputs[0] ?? "") && sigmoid.inputs[0] !== "";
}
