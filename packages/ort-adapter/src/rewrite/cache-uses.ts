import { intAttribute } from "../onnx/graph/attributes.ts";
import type { Node } from "../onnx/model.ts";
import type { GraphEdit } from "./graph-edit.ts";

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
      if (node.opType === "Shape") return uses.push({ kind: "shape", node, axes }) > 0;
      if (node.opType === "MatMul") {
        const kind = productKind(node, value, axes);
        return kind !== undefined && uses.push({ kind, node, factors, axes }) > 0;
      }
      const next = step(g, node, value, axes);
      if (next === undefined) return false;
      const scales = node.opType === "Mul" || node.opType === "Div";
      return follow(node.outputs[0]!, next, scales ? [...factors, node] : factors, depth + 1);
    });
  };
  return follow(present, ["B", "K", "T", "D"], [], 0) ? uses : undefined;
}

function productKind({ inputs }: Node, value: string, axes: readonly Axis[]): ProductUse["kind"] | undefined {
  if (inputs[1] !== value || inputs[0] === value) return undefined;
  const [last, beforeLast] = [axes.at(-1), axes.at(-2)];
  if (beforeLast === "D" && last === "T") return "keys";
  return beforeLast === "T" && last === "D" ? "values" : undefined;
}

/** The axes after one operator; undefined for one that is not known to keep positions apart. */
function step(g: GraphEdit, node: Node, value: string, axes: readonly Axis[]): readonly Axis[] | undefined {
  switch (node.opType) {
    case "Identity":
      return axes;
    case "Mul":
    case "Div":
      return node.inputs[0] === value && isNumber(g, node.inputs[1]!) ? axes : undefined;
    case "Transpose": {
      const perm = node.attributes.get("perm");
      if (perm?.kind !== "ints" || perm.value.length !== axes.length) return undefined;
      return perm.value.map((axis) => axes[axis]!);
    }
    case "Unsqueeze": {
      const at = node.inputs.length > 1 ? g.integers(node.inputs[1]!) : undefined;
      return at?.length === 1 && at[0] === 2 ? [...axes.slice(0, 2), "1", ...axes.slice(2)] : undefined;
    }
    case "Expand":
      return axes.map((axis) => (axis === "1" ? "G" : axis));
    case "Reshape":
      return reshaped(g, node, axes);
    default:
      return undefined;
  }
}

/** The two reshapes that exporters write: K/V heads repeated for their query heads, and batch and heads made one axis. */
function reshaped(g: GraphEdit, node: Node, axes: readonly Axis[]): readonly Axis[] | undefined {
  const rank = lengthOf(g, node.inputs[1]!);
  const from = axes.join();
  if (from === "B,K,G,T,D" && rank === 4) return ["B", "H", "T", "D"];
  if (from === "B,K,T,D" && rank === 3) return ["BH", "T", "D"];
  return undefined;
}

/** Elements of a shape that is a constant, or joined of single ones. */
function lengthOf(g: GraphEdit, shape: string): number | undefined {
  const constant = g.constant(shape);
  if (constant !== undefined) return constant.dims[0];
  const node = g.producer(shape);
  return node?.opType === "Concat" && intAttribute(node, "axis") === 0 ? node.inputs.length : undefined;
}

/** Operators that make a number of numbers: how exporters compute the root of a head's size. */
const ARITHMETIC = new Set(["Sqrt", "Cast", "Div", "Mul", "Pow", "Reciprocal", "Slice", "Gather", "Squeeze"]);

/** A single number: stored, or computed from shapes. */
function isNumber(g: GraphEdit, value: string, depth = 0): boolean {
  const constant = g.constant(value);
  if (constant !== undefined) return constant.dims.every((dim) => dim === 1);
  const node = g.producer(value);
  if (node === undefined || depth > MOST_STEPS) return false;
  if (!ARITHMETIC.has(node.opType)) return false;
  return node.inputs.every((input) => g.producer(input)?.opType === "Shape" || isNumber(g, input, depth + 1));
}
