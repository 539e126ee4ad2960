import type { Attribute } from "../onnx/model.ts";
import type { WeightFormat } from "./decoder-spec.ts";
import { type GraphBuilder, MICROSOFT, rawBytes, typeAttribute } from "./graph-builder.ts";
import { INT4_BLOCK, quantiseInt4 } from "./int4.ts";
import { quantiseInt8 } from "./int8.ts";
import { matMulNBitsAttributes } from "./matmul-nbits-attributes.ts";
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
  if (spec.quantisation === "int8-dynamic") return addInt8(g, x, weight, projection);
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
  return [inputs, matMulNBitsAttributes({ rows, columns, blockSize: INT4_BLOCK, accuracyLevel })];
}

/** Quantises `x` to 8 bits on the fly: the five nodes of ONNX Runtime's quantizer, which its optimiser fuses. */
function addInt8(g: GraphBuilder, x: string, weight: string, { scope, matrix, output }: Projection): string {
  const { values, scales } = quantiseInt8(matrix);
  const quantised = g.constant(`${weight}_quantized`, "int8", [matrix.columns, matrix.rows], values);
  const weightScale = g.constant(`${weight}_scale`, "float32", [matrix.rows], scales);
  const zero = g.constant("/constants/int8/0", "int8", [], Int8Array.of(0));
  const name = `${scope}/DynamicQuantizeLinear`;
  const [bytes, scale, zeroPoint] = ["quantized", "scale", "zero_point"].map((part) => `${name}/${part}`);
  g.addTo([bytes!, scale!, zeroPoint!], name, "DynamicQuantizeLinear", [x]);
  const product = g.add(`${scope}/MatMulInteger`, "MatMulInteger", [bytes!, quantised, zeroPoint!, zero]);
  const float = g.add(`${scope}/Cast`, "Cast", [product], { attributes: { to: typeAttribute("float32") } });
  const scaling = g.add(`${scope}/scale/Mul`, "Mul", [scale!, weightScale]);
  return g.add(`${scope}/output/Mul`, "Mul", [float, scaling], output === undefined ? {} : { output });
}
