import { intAttribute } from "../onnx/graph/attributes.ts";
import type { Node } from "../onnx/model.ts";
import { type GraphEdit, operatorOf } from "./graph-edit.ts";

/**
 * An axis of a value made out of a present: `B` batch, `K` K/V heads, `G` query heads of one of them, `H` query heads, `BH` batch and
 * heads together, `T` positions, `D` head size, `1`.
 */
export type Axis = "B" | "K" | "G" | "H" | "BH" | "T" | "D" | "1";

/** A product over the present: of queries with its keys, or of shares with its values. */
export interface ProductUse {
  readonly kind: "keys" | "values";
  readonly node: Node;
  /** Of the present as the product takes it. */
  readonly axes: readonly Axis[];
  /** Mul and Div by one number on the way, which the product takes over. */
  readonly factors: readonly Node[];
}

/** Somebody asks for the shape of the present, or of what was made out of it. */
export interface ShapeUse {
  readonly kind: "shape";
  readonly node: Node;
  readonly axes: readonly Axis[];
}

/** Deeper than any exporter goes between cache and product. */
const MOST_STEPS = 8;

/**
 * What becomes of a present on its way to the products of attention. Undefined where something else is done with it: then it must be
 * there as one tensor.
 */
export function traceUses(g: GraphEdit, present: string): (ProductUse | ShapeUse)[] | undefined {
  const uses: (ProductUse | ShapeUse)[] = [];
  const follow = (value: string, axes: readonly Axis[], factors: readonly Node[], depth: number): boolean => {
    if (depth > MOST_STEPS || g.isCaptured(value)) return false;
    return g.readers(value).every((node) => {
      const operator = operatorOf(node);
      if (operator === "Shape") return uses.push({ kind: "shape", node, axes }) > 0;
      if (operator === "MatMul") {
        const kind = productKind(node, value, axes);
        return kind !== undefined && uses.push({ kind, node, factors, axes }) > 0;
      }
      const next = step(g, node, value, axes);
      if (next === undefined) return false;
      const scales = operator === "Mul" || operator === "Div";
      return follow(node.outputs[0]!, next, scales ? [...factors, node] : factors, depth + 1);
    });
  };
  return follow(present, ["B", "K", "T", "D"], [], 0) ? uses : undefined;
}

/** Leading axes of a present whose products are known here, before its positions and channels. */
const LEADING = new Set(["B,K", "B,K,1", "B,K,G", "B,H", "BH"]);

function productKind({ inputs }: Node, value: string, axes: readonly Axis[]): ProductUse["kind"] | undefined {
  if (inputs[1] !== value || inputs[0] === value || !LEADING.has(axes.slice(0, -2).join())) return undefined;
  const [last, beforeLast] = [axes.at(-1), axes.at(-2)];
  if (beforeLast === "D" && last === "T") return "keys";
  return beforeLast === "T" && last === "D" ? "values" : undefined;
}

/** The axes after one operator; undefined for one that is not known to keep positions apart. */
function step(g: GraphEdit, node: Node, value: string, axes: readonly Axis[]): readonly Axis[] | undefined {
  switch (operatorOf(node)) {
    case "Identity":
      return axes;
    case "Mul":
    case "Div":
      return node.inputs[0] === value && isNumber(g, node.inputs[1] ?? "") ? axes : undefined;
    case "Transpose": {
      const perm = node.attributes.get("perm");
      if (perm?.kind !== "ints" || perm.value.length !== axes.length) return undefined;
      return perm.value.map((axis) => axes[axis]!);
    }
    case "Unsqueeze": {
      const at = node.inputs.length > 1 ? g.integers(node.inputs[1]!) : undefined;
      if (at?.length !== 1 || at[0] !== 2 || axes.length !== 4) return undefined;
      return [...axes.slice(0, 2), "1", ...axes.slice(2)];
    }
    case "Expand":
      return node.inputs[0] === value ? axes.map((axis) => (axis === "1" ? "G" : axis)) : undefined;
    case "Reshape":
      return reshaped(g, node, axes);
    default:
      return undefined;
  }
}

/** The two reshapes that exporters write: K/V heads repeated for their query heads, and batch and heads made one axis. */
function reshaped(g: GraphEdit, node: Node, axes: readonly Axis[]): readonly Axis[] | undefined {
  const [value = "", shape = ""] = node.inputs;
  if (g.constant(value) !== undefined || shape === "") return undefined;
  const from = axes.join();
  const to = from === "B,K,G,T,D" ? REPEATED : from === "B,K,T,D" ? FLAT : undefined;
  return to !== undefined && lengthOf(g, shape) === to.length ? to : undefined;
}

const REPEATED: readonly Axis[] = ["B", "H", "T", "D"];
const FLAT: readonly Axis[] = ["BH", "T", "D"];

/** Elements of a shape that is a constant, or joined of single ones. */
function lengthOf(g: GraphEdit, shape: string): number | undefined {
  const constant = g.constant(shape);
  if (constant !== undefined) return constant.dims[0];
  const node = g.producer(shape);
  const joins = node !== undefined && operatorOf(node) === "Concat" && intAttribute(node, "axis") === 0;
  return joins ? node.inputs.length : undefined;
}

/** Operators that make a number of numbers: how exporters compute the root of a head's size. */
const ARITHMETIC = new Set(["Sqrt", "Cast", "Div", "Mul", "Pow", "Reciprocal", "Squeeze"]);

/** A single number: stored, or computed of one length. */
function isNumber(g: GraphEdit, value: string, depth = 0): boolean {
  const constant = g.constant(value);
  if (constant !== undefined) return constant.dims.length <= 1 && constant.dims.every((dim) => dim === 1);
  const node = g.producer(value);
  if (node === undefined || depth > MOST_STEPS) return false;
  const operator = operatorOf(node);
  if (operator === "Gather" || operator === "Slice")
    return isLength(g, node) || isNumber(g, node.inputs[0]!, depth + 1);
  return ARITHMETIC.has(operator) && node.inputs.every((input) => isNumber(g, input, depth + 1));
}

/** Whether the node takes one element out of a shape. */
function isLength(g: GraphEdit, { opType, inputs }: Node): boolean {
  const [shape = "", first = "", second = ""] = inputs;
  const source = g.producer(shape);
  const start = g.integers(first);
  if (source === undefined || operatorOf(source) !== "Shape" || start?.length !== 1) return false;
  if (opType === "Gather") return true;
  const end = g.integers(second);
  return end?.length === 1 && (end[0] === start[0]! + 1 || (start[0] === -1 && end[0]! > 0));
}
