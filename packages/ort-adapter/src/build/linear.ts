import type { Attribute } from "../onnx/model.ts";
import type { WeightFormat } from "./decoder-spec.ts";
import { type GraphBuilder, intAttribute, MICROSOFT, rawBytes } from "./graph-builder.ts";
import { INT4_BLOCK, quantiseInt4 } from "./int4.ts";
import { type Matrix, transpose } from "./matrix.ts";

/** Default `accuracy_level` of MatMulNBits: int8 activations, the kernel whose cost grows smoothly with the rows. */
const DEFAULT_ACCURACY_LEVEL = 4;

/** Where a projection stands and what it is called. */
export interface Projection {
  /** The module's path, e.g. `/model/layers.0/attn/o_proj`; node and constants are named after it. */
  readonly scope: string;
  readonly matrix: Matrix;
  /** Name of the output, where it is not the node's own. */
  readonly output?: string;
}

/** Multiplies `x` [..., columns] by a weight matrix, giving [..., rows], as the spec's quantisation says. */
export function addLinear(g: GraphBuilder, spec: WeightFormat, x: string, projection: Projection): string {
  const { scope, matrix } = projection;
  const weight = `${scope.slice(1).replaceAll("/", ".")}.weight`;
  const output = projection.output === undefined ? {} : { output: projection.output };
  if (spec.quantisation === "int4") {
    const [inputs, attributes] = int4Operands(g, weight, matrix, spec.accuracyLevel ?? DEFAULT_ACCURACY_LEVEL);
    return g.add(`${scope}/MatMulNBits`, "MatMulNBits", [x, ...inputs], { domain: MICROSOFT, attributes, ...output });
  }
  const dims = [matrix.columns, matrix.rows];
  const constant = g.lazy(weight, "float32", dims, () => rawBytes(transpose(matrix)));
  return g.add(`${scope}/MatMul`, "MatMul", [x, constant], output);
}

/** Constants and attributes of a MatMulNBits node. */
function int4Operands(
  g: GraphBuilder,
  weight: string,
  matrix: Matrix,
  accuracyLevel: number,
): [string[], Record<string, Attribute>] {
  const { rows, columns } = matrix;
  const blocks = columns / INT4_BLOCK;
  const { packed, scales } = quantiseInt4(matrix.read());
  const inputs = [
    g.constant(`${weight}_quantized`, "uint8", [rows, blocks, INT4_BLOCK / 2], packed),
    g.constant(`${weight}_scales`, "float32", [rows * blocks], scales),
  ];
  const attributes = {
    K: intAttribute(columns),
    N: intAttribute(rows),
    bits: intAttribute(4),
    block_size: intAttribute(INT4_BLOCK),
    accuracy_level: intAttribute(accuracyLevel),
  };
  return [inputs, attributes];
}
