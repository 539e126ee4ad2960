import { throwIfAborted } from "@nearfree/core/measure";
import { MICROSOFT, rawBytes } from "../../build/graph-builder.ts";
import { matMulNBitsAttributes } from "../../build/matmul-nbits-attributes.ts";
import type { Model, Node, Tensor } from "../../onnx/model.ts";
import type { ModelFiles } from "../../onnx/read/byte-source.ts";
import { type DataFile, INLINE_BELOW_BYTES } from "../../onnx/write/data-file.ts";
import { GraphEdit } from "../graph-edit.ts";
import { int4Blocks, type WeightMatrix } from "./int4-blocks.ts";
import type { AccuracyLevel, StepOutcome } from "./optimize-step.ts";

/** A MatMul whose right operand is a constant fp32 matrix. */
interface Product {
  readonly node: Node;
  readonly weight: Tensor;
  readonly inputsFirst: boolean;
}

export interface Int4Options {
  readonly blockSize: number;
  readonly accuracyLevel: AccuracyLevel;
  readonly signal?: AbortSignal | undefined;
  readonly onQuantised?: ((done: number, of: number) => void) | undefined;
}

/** The products that can be quantised, and what was left as it is. */
export interface Products {
  readonly products: readonly Product[];
  /** Gemm nodes with constant weights: MatMulNBits does not stand for them. */
  readonly gemms: number;
  /** Whether a product's weights are the embedding's too. */
  readonly tied: boolean;
}

/** Finds every MatMul of the outermost graph with constant fp32 weights [inputs, outputs], or their transpose. */
export function findProducts(model: Model): Products {
  const g = new GraphEdit(model);
  const products: Product[] = [];
  let gemms = 0;
  for (const node of g.nodes) {
    const [, right = ""] = node.inputs;
    if (node.opType === "Gemm" && g.constant(right) !== undefined) gemms++;
    if (node.opType !== "MatMul" || node.domain !== "") continue;
    const found = weightOf(g, right);
    if (found !== undefined) products.push({ node, ...found });
  }
  const tables = new Set([...g.nodes].filter(({ opType }) => opType === "Gather").map(({ inputs: [table] }) => table));
  return { products, gemms, tied: products.some(({ weight }) => tables.has(weight.name)) };
}

function weightOf(g: GraphEdit, right: string): Omit<Product, "node"> | undefined {
  const direct = g.constant(right);
  if (direct !== undefined) return isMatrix(direct) ? { weight: direct, inputsFirst: true } : undefined;
  const node = g.producer(right);
  const weight = node?.opType === "Transpose" ? g.constant(node.inputs[0]!) : undefined;
  const perm = node?.attributes.get("perm");
  const turned = perm === undefined || (perm.kind === "ints" && perm.value.join() === "1,0");
  return weight !== undefined && turned && isMatrix(weight) ? { weight, inputsFirst: false } : undefined;
}

function isMatrix({ type, dims, data, stored }: Tensor): boolean {
  return type === "float32" && dims.length === 2 && (data ?? stored) !== undefined;
}

/**
 * Makes MatMulNBits of `products`: their blocks are appended to `data`, one matrix after another. Weights that several share are
 * quantised once; those that something else reads too (a tied embedding) stay for it.
 */
export async function quantiseProducts(
  model: Model,
  files: ModelFiles,
  data: DataFile,
  { products, blockSize, accuracyLevel, signal, onQuantised }: Int4Options & Pick<Products, "products">,
): Promise<Model> {
  const g = new GraphEdit(model);
  const done = new Map<string, readonly string[]>();
  for (const [i, { node, weight, inputsFirst }] of products.entries()) {
    throwIfAborted(signal, "quantising");
    const matrix = matrixOf(weight, inputsFirst, files);
    const { rows, columns } = matrix;
    const key = `${weight.name}${inputsFirst ? "" : "_transposed"}`;
    const operands = done.get(key) ?? (await addOperands(g, data, key, matrix, blockSize));
    done.set(key, operands);
    const attributes = new Map(Object.entries(matMulNBitsAttributes({ rows, columns, blockSize, accuracyLevel })));
    g.remove(node);
    const inputs = [node.inputs[0]!, ...operands];
    g.addNode({ ...node, opType: "MatMulNBits", domain: MICROSOFT, inputs, attributes });
    onQuantised?.(i + 1, products.length);
  }
  return g.build();
}

function matrixOf({ dims, data, stored }: Tensor, inputsFirst: boolean, files: ModelFiles): WeightMatrix {
  const [first, second] = dims as [number, number];
  const read = (from: number, count: number) => {
    if (data !== undefined) return floats(data.subarray(4 * from, 4 * (from + count)));
    const { location, offset } = stored!;
    const source = location === undefined ? files.model : files.external!(location);
    return floats(source.read(offset + 4 * from, 4 * count));
  };
  const [rows, columns] = inputsFirst ? [second, first] : [first, second];
  return { rows, columns, inputsFirst, read };
}

function floats(bytes: Uint8Array): Float32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Float32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4);
}

async function addOperands(
  g: GraphEdit,
  data: DataFile,
  name: string,
  matrix: WeightMatrix,
  blockSize: number,
): Promise<readonly string[]> {
  const { packed, scales } = int4Blocks(matrix, blockSize);
  const { rows, columns } = matrix;
  const blocks = Math.ceil(columns / blockSize);
  const add = async (tensor: Omit<Tensor, "data" | "stored">, bytes: Uint8Array) => {
    const inline = bytes.byteLength < INLINE_BELOW_BYTES;
    return g.tensor({ ...tensor, ...(inline ? { data: bytes } : { stored: await data.append([bytes]) }) });
  };
  return [
    await add({ name: `${name}_Q4`, type: "uint8", dims: [rows, blocks, blockSize / 2] }, packed),
    await add({ name: `${name}_scales`, type: "float32", dims: [rows * blocks] }, rawBytes(scales)),
  ];
}

/** What quantising `products` did, or why nothing was done. */
export function int4Outcome({ products, gemms, tied }: Products, blockSize: number): StepOutcome {
  const kept = gemms > 0 ? `; ${gemms} Gemm stay as they are` : "";
  if (products.length === 0) {
    return { step: "int4", changed: false, detail: `no MatMul with constant fp32 weights${kept}` };
  }
  const weights = new Map(products.map(({ weight }) => [weight.name, weight.dims]));
  const elements = [...weights.values()].reduce((sum, [a = 0, b = 0]) => sum + a * b, 0);
  const embedding = tied ? "the embedding stays fp32, and the head has blocks of its own" : "embeddings stay fp32";
  const after = elements / 2 + (4 * elements) / blockSize;
  const sizes = `${megabytes(4 * elements)} to ${megabytes(after)}`;
  const detail = `${products.length} MatMul in blocks of ${blockSize}, ${sizes}; ${embedding}${kept}`;
  return { step: "int4", changed: true, detail };
}

const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toPrecision(3)} MB`;
