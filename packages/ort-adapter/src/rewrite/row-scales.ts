import { intAttribute, intsAttribute, rawBytes } from "../build/graph-builder.ts";
import { type DataType, dataTypeCode } from "../onnx/data-type.ts";
import type { Node } from "../onnx/model.ts";
import { type GraphEdit, operatorOf } from "./graph-edit.ts";

/** Largest value of the unsigned byte that activations become. */
const MOST = 255;

/**
 * Gives every row of an activation a scale and a zero point of its own, where DynamicQuantizeLinear takes one for all rows of a forward:
 * so no row depends on its neighbours any more, and a single row has the bits that it had.
 *
 * Scale and zero point follow the operator's definition (onnx.ai, DynamicQuantizeLinear). The product of bytes stays one of integers:
 * sum (a - z)(w - v) = sum a (w - v) - z * sum (w - v), and the last sum is a constant of each column.
 *
 * Returns whether no activation with one scale for all rows is left.
 */
export function editRowScales(g: GraphEdit): boolean {
  let whole = true;
  let count = 0;
  for (const node of [...g.nodes]) {
    if (operatorOf(node) !== "DynamicQuantizeLinear") continue;
    const products = productsOf(g, node);
    if (products === undefined) whole = false;
    else rewrite(g, `/rows${count++}`, node, products);
  }
  return whole && count > 0;
}

/** The integer products with a constant weight that the activation goes into; undefined where it goes elsewhere. */
function productsOf(g: GraphEdit, { inputs, outputs }: Node): Node[] | undefined {
  const [bytes = "", scale = "", zero = ""] = outputs;
  if (!inputs[0] || bytes === "" || scale === "") return undefined;
  if (outputs.some((output) => output !== "" && (g.isCaptured(output) || g.isOutput(output)))) return undefined;
  const products = g.readers(bytes);
  const apart = products.every(
    (node) =>
      operatorOf(node) === "MatMulInteger" &&
      node.inputs[0] === bytes &&
      node.inputs[2] === zero &&
      isWeight(g, node.inputs[1]!) &&
      !g.isOutput(node.outputs[0]!),
  );
  const scales = g.readers(scale).every((node) => scalesRows(g, node, scale, products));
  const zeros = g.readers(zero).every((reader) => products.includes(reader));
  return apart && scales && zeros && products.length > 0 ? products : undefined;
}

/** Whether a product that takes the scale, which gets a column of rows, still scales the rows of one of `products`. */
function scalesRows(g: GraphEdit, node: Node, scale: string, products: readonly Node[]): boolean {
  if (operatorOf(node) !== "Mul") return false;
  const other = node.inputs.find((input) => input !== scale);
  if (other === undefined) return false;
  if (isProduct(g, other, products)) return true;
  // The scale of the weights, one or one a column, and what reads both together.
  const weightScale = g.constant(other);
  const result = node.outputs[0] ?? "";
  if (weightScale === undefined || weightScale.dims.length > 1 || g.isCaptured(result) || g.isOutput(result))
    return false;
  return g.readers(result).every((reader) => {
    const value = reader.inputs.find((input) => input !== result);
    return operatorOf(reader) === "Mul" && value !== undefined && isProduct(g, value, products);
  });
}

/** Whether `value` is the float of an integer product. */
function isProduct(g: GraphEdit, value: string, products: readonly Node[]): boolean {
  const cast = g.producer(value);
  if (cast === undefined || operatorOf(cast) !== "Cast") return false;
  const product = g.producer(cast.inputs[0] ?? "");
  return product !== undefined && products.includes(product);
}

/** A stored matrix: [channels, columns]. */
function isWeight(g: GraphEdit, value: string): boolean {
  return g.constant(value)?.dims.length === 2;
}

function rewrite(g: GraphEdit, scope: string, node: Node, products: readonly Node[]): void {
  const [activation = ""] = node.inputs;
  const [bytes = "", scale = ""] = node.outputs;
  g.remove(node);
  const add = (part: string, opType: string, ...inputs: string[]) => g.add(`${scope}/${part}`, opType, inputs);
  const zeroes = g.float32(0);
  const extreme = (part: string, opType: string, bound: string) => {
    const attributes = { axes: intsAttribute([-1]), keepdims: intAttribute(1) };
    const found =
      g.opset >= 18
        ? g.add(`${scope}/${part}`, opType, [activation, g.int64s(-1)], { attributes: { keepdims: intAttribute(1) } })
        : g.add(`${scope}/${part}`, opType, [activation], { attributes });
    return add(`${part}/bound`, bound, found, zeroes);
  };
  const least = extreme("least", "ReduceMin", "Min");
  const range = add("range", "Sub", extreme("most", "ReduceMax", "Max"), least);
  const step = add("step", "Div", range, g.float32(MOST));
  g.add(`${scope}/scale`, "Where", [add("flat", "Equal", range, zeroes), g.float32(1), step], { output: scale });
  const clip = (part: string, value: string) => add(part, "Clip", value, zeroes, g.float32(MOST));
  const zero = add(
    "zero",
    "Round",
    clip("zero/clip", add("zero/raw", "Sub", zeroes, add("zero/steps", "Div", least, scale))),
  );
  const steps = add("steps", "Add", add("round", "Round", add("quotient", "Div", activation, scale)), zero);
  g.add(`${scope}/bytes`, "Cast", [clip("clip", steps)], { output: bytes, attributes: castTo("uint8") });
  const zeroPoints = g.add(`${scope}/zeroPoints`, "Cast", [zero], { attributes: castTo("int32") });
  for (const [i, product] of products.entries()) correct(g, `${scope}/${i}`, product, zeroPoints);
}

/** The product without its first zero point, and what that zero point takes off each column. */
function correct(g: GraphEdit, scope: string, product: Node, zeroPoints: string): void {
  const [bytes = "", weight = "", , weightZero = ""] = product.inputs;
  const channels = g.constant(weight)!.dims[0]!;
  g.remove(product);
  const multiply = (part: string, rows: string) =>
    g.add(`${scope}/${part}`, "MatMulInteger", weightZero === "" ? [rows, weight] : [rows, weight, "", weightZero]);
  const ones = g.bytes(`/ones/${channels}`, [1, channels], rawBytes(new Uint8Array(channels).fill(1)));
  const offset = g.add(`${scope}/offset`, "Mul", [zeroPoints, multiply("columns", ones)]);
  g.add(`${scope}/product`, "Sub", [multiply("raw", bytes), offset], { output: product.outputs[0]! });
}

function castTo(type: DataType) {
  return { to: intAttribute(dataTypeCode(type)) };
}
