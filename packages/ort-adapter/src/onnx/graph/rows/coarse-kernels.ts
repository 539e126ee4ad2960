import type { DataType } from "../../data-type.ts";
import type { Node } from "../../model.ts";
import { intAttribute } from "../attributes.ts";
import type { IoClasses } from "../classify-io.ts";
import type { Values } from "../constants.ts";
import type { FlatGraph } from "../flatten.ts";
import { weightedNode } from "../weights.ts";
import type { RowTraits } from "./row-traits.ts";

/** Accuracy levels of MatMulNBits that compute in something narrower than fp32. */
const NARROW_LEVELS: Readonly<Record<number, string>> = { 2: "float16", 3: "bfloat16", 4: "int8" };
const NARROW_WEIGHTS = new Set<DataType>(["int4", "uint4", "int2", "uint2"]);
const HALF = new Set<DataType | undefined>(["float16", "bfloat16"]);

/**
 * Kernels whose rows may differ between row counts by more than fp32 rounding, in words: those that round activations to fewer bits,
 * where a difference of one fp32 bit can become a whole step. `hidden` are those whose results have fewer bits too.
 */
export function coarseKernels(graph: FlatGraph, values: Values, io: IoClasses): Pick<RowTraits, "coarse" | "hidden"> {
  const open = new Set<string>();
  const hidden = new Set<string>();
  for (const node of graph.nodes) {
    const inside = values.isFolded(node) ? foldedKernel(node, values) : innerKernel(node);
    if (inside !== undefined) open.add(inside);
    const result = values.isFolded(node) ? undefined : roundingKernel(node, values);
    if (result !== undefined) hidden.add(result);
  }
  if (HALF.has(io.logits?.type)) hidden.add(`${io.logits?.type} logits`);
  for (const { type = "" } of io.kv) if (/^u?int|float8/.test(type)) hidden.add(`KV cache in ${type}`);
  return { coarse: inWords([...open, ...hidden]), hidden: inWords([...hidden]) };
}

function inWords(kernels: readonly string[]): string | undefined {
  return kernels.length === 0 ? undefined : kernels.toSorted().join(", ");
}

/** Kernels that round inside and give fp32: a difference shows. */
function innerKernel(node: Node): string | undefined {
  if (node.opType === "MatMulNBits") {
    const level = intAttribute(node, "accuracy_level") ?? 0;
    const narrow = NARROW_LEVELS[level];
    if (narrow !== undefined) return `MatMulNBits at accuracy level ${level} (${narrow} activations)`;
  }
  return node.opType === "QMoE" ? "QMoE" : undefined;
}

/** Kernels that give few bits. */
function roundingKernel(node: Node, values: Values): string | undefined {
  const [first = ""] = node.inputs;
  if (/^(QuantizeLinear|DynamicQuantize|QLinear|QGemm|QAttention)/.test(node.opType) && !values.isConstant(first)) {
    return `${node.opType} of activations`;
  }
  if (node.opType === "MatMulInteger" && !values.isConstant(first)) return "MatMulInteger (int8 activations)";
  const activation = weightedNode(node, values)?.kernel.activation as DataType | undefined;
  return HALF.has(activation) ? `${activation} activations` : undefined;
}

/** ONNX Runtime makes a MatMulNBits at accuracy level 4 of narrow weights that are dequantised in front of a MatMul. */
function foldedKernel({ opType, inputs }: Node, values: Values): string | undefined {
  const type = values.constant(inputs[0] ?? "")?.type;
  const fused = opType === "DequantizeLinear" && type !== undefined && NARROW_WEIGHTS.has(type);
  return fused ? `DequantizeLinear of ${type} weights (int8 activations once fused)` : undefined;
}
