import type { DataType } from "../../data-type.ts";
import type { Node } from "../../model.ts";
import { intAttribute } from "../attributes.ts";
import type { IoClasses } from "../classify-io.ts";
import type { Values } from "../constants.ts";
import type { FlatGraph } from "../flatten.ts";
import { weightedNode } from "../weights.ts";

/** Accuracy levels of MatMulNBits that compute in something narrower than fp32. */
const NARROW_LEVELS: Readonly<Record<number, string>> = { 2: "float16", 3: "bfloat16", 4: "int8" };
const NARROW_WEIGHTS = new Set<DataType>(["int4", "uint4", "int2", "uint2"]);
const HALF = new Set<DataType | undefined>(["float16", "bfloat16"]);

/**
 * Kernels whose rows may differ between row counts by more than fp32 rounding, in words: those that round activations to fewer bits,
 * where a difference of one fp32 bit can become a whole step. Undefined where there is none.
 */
export function coarseKernels(graph: FlatGraph, values: Values, io: IoClasses): string | undefined {
  const found = new Set<string>();
  for (const node of graph.nodes) {
    const kernel = values.isFolded(node) ? foldedKernel(node, values) : coarseKernel(node, values);
    if (kernel !== undefined) found.add(kernel);
  }
  if (HALF.has(io.logits?.type)) found.add(`${io.logits?.type} logits`);
  const cached = new Set(io.kv.flatMap(({ type }) => (type !== undefined && /^u?int|float8/.test(type) ? [type] : [])));
  for (const type of cached) found.add(`KV cache in ${type}`);
  return found.size === 0 ? undefined : [...found].sort().join(", ");
}

function coarseKernel(node: Node, values: Values): string | undefined {
  const [first = ""] = node.inputs;
  if (node.opType === "MatMulNBits") {
    const level = intAttribute(node, "accuracy_level") ?? 0;
    const narrow = NARROW_LEVELS[level];
    if (narrow !== undefined) return `MatMulNBits at accuracy level ${level} (${narrow} activations)`;
  }
  if (node.opType === "QMoE") return "QMoE";
  if (/^(QuantizeLinear|DynamicQuantize|QLinear|QGemm|QAttention)/.test(node.opType) && !values.isConstant(first)) {
    return `${node.opType} of activations`;
  }
  const activation = weightedNode(node, values)?.kernel.activation as DataType | undefined;
  return HALF.has(activation) ? `${activation} activations` : undefined;
}

/** ONNX Runtime makes a MatMulNBits at accuracy level 4 of narrow weights that are dequantised in front of a MatMul. */
function foldedKernel({ opType, inputs }: Node, values: Values): string | undefined {
  const type = values.constant(inputs[0] ?? "")?.type;
  const fused = opType === "DequantizeLinear" && type !== undefined && NARROW_WEIGHTS.has(type);
  return fused ? `DequantizeLinear of ${type} weights (int8 activations once fused)` : undefined;
}
