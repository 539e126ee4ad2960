import type { KernelClass } from "@nearfree/core/principle";
import { bitsOf, bytesOf } from "../data-type.ts";
import type { Node, Tensor } from "../model.ts";
import { intAttribute } from "./attributes.ts";
import type { TracedWeight, Values } from "./constants.ts";

/** A node that multiplies activations by stored weights. */
export interface WeightedNode {
  readonly kernel: KernelClass;
  /** Every stored tensor that the node reads whole: matrix, scales, zero points, bias. */
  readonly tensors: readonly Tensor[];
  readonly flopsPerPosition: number;
  /** Width of the output, where the operator tells it. */
  readonly columns?: number | undefined;
  readonly experts?: { readonly count: number; readonly active: number } | undefined;
  /** Inputs that carry activations: what the data flow follows. */
  readonly activations: readonly string[];
}

/** Operators with a weight matrix, and which input it is. */
const MATRIX_INPUT: ReadonlyMap<string, readonly number[]> = new Map([
  ["MatMul", [1, 0]],
  ["FusedMatMul", [1, 0]],
  ["Gemm", [1, 0]],
  // com.microsoft Attention holds its projection; the standard one of the same name takes activations there.
  ["Attention", [1]],
  ["FusedGemm", [1, 0]],
  ["TransposeMatMul", [1, 0]],
  ["Einsum", [1, 0]],
  ["MatMulInteger", [1]],
  ["DynamicQuantizeMatMul", [1]],
  ["MatMulIntegerToFloat", [1]],
  ["QLinearMatMul", [3]],
  ["QGemm", [3]],
  ["Conv", [1]],
  ["ConvInteger", [1]],
  ["FusedConv", [1]],
]);

/** What a node multiplies by, or undefined for a node without a weight matrix (an activation times an activation too). */
export function weightedNode(node: Node, values: Values): WeightedNode | undefined {
  if (node.opType === "MoE" || node.opType === "QMoE") return expertsNode(node, values);
  if (node.opType === "MatMulNBits" || node.opType === "MatMulBnb4") return blockQuantisedNode(node, values);
  const places = MATRIX_INPUT.get(node.opType);
  if (places === undefined) return undefined;
  for (const place of places) {
    const weight = values.weight(node.inputs[place]);
    if (weight === undefined || !isMatrix(weight.tensor)) continue;
    const activations = node.inputs.filter((input, i) => i !== place && !values.isConstant(input));
    if (activations.length === 0) continue;
    const others = node.inputs.flatMap((input, i) => (i === place ? [] : (values.constant(input) ?? [])));
    const scales = node.opType.endsWith("Integer") ? outputScales(node, values) : [];
    const elements = elementsOf(weight.tensor);
    return {
      kernel: kernelOf(node, values, weight.tensor.type),
      tensors: [weight.tensor, ...weight.scales, ...others, ...scales],
      flopsPerPosition: 2 * elements,
      columns: place === 1 ? columnsOf(node, weight) : undefined,
      activations,
    };
  }
  return undefined;
}

/** What turns an integer product into a float one, MatMulInteger, Cast, Mul: ONNX Runtime fuses it into the kernel. */
function outputScales(product: Node, values: Values): Tensor[] {
  const casts = values.readersOf(product.outputs[0]).filter(({ opType }) => opType === "Cast");
  const scalings = casts
    .flatMap(({ outputs }) => values.readersOf(outputs[0]))
    .filter(({ opType }) => opType === "Mul");
  return scalings.flatMap(({ inputs }) =>
    inputs.flatMap((input) => {
      const scale = values.producer(input);
      const factors = scale?.opType === "Mul" ? [input, ...scale.inputs] : [input];
      return factors.flatMap((factor) => values.constant(factor) ?? []);
    }),
  );
}

function blockQuantisedNode(node: Node, values: Values): WeightedNode | undefined {
  const columns = intAttribute(node, "N");
  const rows = intAttribute(node, "K");
  const tensors = constantsOf(node, values);
  if (columns === undefined || rows === undefined || tensors.length === 0) return undefined;
  return {
    kernel: {
      ...kernelOf(node, values, `int${intAttribute(node, "bits") ?? 4}`),
      ...(node.opType === "MatMulNBits" && { accuracyLevel: intAttribute(node, "accuracy_level") ?? 0 }),
    },
    tensors,
    flopsPerPosition: 2 * rows * columns,
    columns,
    activations: [node.inputs[0] ?? ""],
  };
}

/** com.microsoft MoE and QMoE: expert weights are the tensors of rank 3, [experts, ..., ...]. */
function expertsNode(node: Node, values: Values): WeightedNode | undefined {
  const tensors = constantsOf(node, values);
  const quantised = node.opType === "QMoE";
  const bits = quantised ? (intAttribute(node, "expert_weight_bits") ?? 4) : undefined;
  const weights = tensors.filter(({ type, dims }) => dims.length === 3 && (!quantised || type === "uint8"));
  const count = weights[0]?.dims[0];
  if (count === undefined) return undefined;
  const active = Math.min(count, intAttribute(node, "k") ?? 1);
  // Quantised experts hold several elements a byte.
  const elements = weights.reduce((sum, tensor) => sum + (elementsOf(tensor) * 8) / (bits ?? 8), 0);
  return {
    kernel: kernelOf(node, values, bits === undefined ? (weights[0]?.type ?? "float32") : `int${bits}`),
    tensors,
    flopsPerPosition: (2 * elements * active) / count,
    experts: { count, active },
    activations: node.inputs.slice(0, 2),
  };
}

/** Stored bytes of a tensor. */
export function storedBytes(tensor: Tensor): number {
  return bytesOf(tensor.type, elementsOf(tensor));
}

function kernelOf(node: Node, values: Values, weight: string): KernelClass {
  const activation = node.inputs.find((input) => !values.isConstant(input)) ?? "";
  return { operator: node.opType, activation: values.type(activation) ?? "unknown", weight };
}

function constantsOf(node: Node, values: Values): Tensor[] {
  return node.inputs.flatMap((input) => values.weight(input)?.tensor ?? []);
}

/** A vector spread over several axes (rotary frequencies, scales) is no weight matrix. */
function isMatrix(tensor: Tensor): boolean {
  return bitsOf(tensor.type) > 0 && tensor.dims.filter((dim) => dim > 1).length >= 2;
}

function columnsOf(node: Node, { tensor, transposed }: TracedWeight): number | undefined {
  const flipped = transposed !== (intAttribute(node, "transB") === 1);
  return tensor.dims.length === 2 ? tensor.dims[flipped ? 0 : 1] : undefined;
}

function elementsOf(tensor: Tensor): number {
  return tensor.dims.reduce((product, dim) => product * dim, 1);
}
