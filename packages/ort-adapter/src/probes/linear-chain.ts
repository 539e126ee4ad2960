import type { KernelClass } from "@nearfree/core/principle";
import { GraphBuilder, intAttribute, MICROSOFT, rawBytes, typeAttribute } from "../build/graph-builder.ts";
import { INT4_BLOCK } from "../build/int4.ts";
import type { Model } from "../onnx/model.ts";
import { addFirstRow } from "./first-row.ts";
import { randomBytes, randomFloats } from "./random-bytes.ts";

/** Square layers of one kernel class, one behind the other. */
export interface LinearChainShape {
  /** Rows and columns of each weight matrix; a multiple of the int4 block. */
  readonly width: number;
  readonly layers: number;
}

/** Adds one layer to the graph; the name of its output. */
type AddLayer = (g: GraphBuilder, x: string, width: number, layer: number) => string;

/**
 * `x [1, n, width] -> y [1, 1, width]` through `layers` products of the class `kernel`: what dense layers of a decoder cost, and
 * nothing else. Undefined for a class that has no generator here.
 */
export function buildLinearChain(kernel: KernelClass, { width, layers }: LinearChainShape): Model | undefined {
  const addLayer = layerOf(kernel);
  if (addLayer === undefined) return undefined;
  const g = new GraphBuilder();
  let value = g.input("x", "float32", [1, "n", width]);
  for (let layer = 0; layer < layers; layer++) value = addLayer(g, value, width, layer);
  addFirstRow(g, value, width);
  return g.build("linear-chain");
}

/** How a class is written: undefined where no generator knows it. */
function layerOf({ operator, activation, weight, accuracyLevel }: KernelClass): AddLayer | undefined {
  if (activation !== "float32" && activation !== "uint8") return undefined;
  switch (operator) {
    case "MatMul":
      return weight === "float32" ? addMatMul : undefined;
    case "Gemm":
      return weight === "float32" ? addGemm : undefined;
    case "MatMulNBits":
      return weight === "int4" || weight === "int8" ? nBits(weight === "int4" ? 4 : 8, accuracyLevel ?? 0) : undefined;
    case "MatMulInteger":
      return weight === "int8" ? addInteger : undefined;
    default:
      return undefined;
  }
}

const addMatMul: AddLayer = (g, x, width, layer) => {
  const weight = g.lazy(`weight.${layer}`, "float32", [width, width], () =>
    rawBytes(randomFloats(width * width, width, layer)),
  );
  return g.add(`/layers.${layer}/MatMul`, "MatMul", [x, weight]);
};

const addGemm: AddLayer = (g, x, width, layer) => {
  const weight = g.lazy(`weight.${layer}`, "float32", [width, width], () =>
    rawBytes(randomFloats(width * width, width, layer)),
  );
  const flat = g.add(`/layers.${layer}/Reshape`, "Reshape", [x, g.int64s(-1, width)]);
  return g.add(`/layers.${layer}/Gemm`, "Gemm", [flat, weight], { attributes: { transB: intAttribute(1) } });
};

/** Packed values around their midpoint, and one scale a block. */
const nBits =
  (bits: 4 | 8, accuracyLevel: number): AddLayer =>
  (g, x, width, layer) => {
    const blocks = width / INT4_BLOCK;
    const blockBytes = (INT4_BLOCK * bits) / 8;
    const packed = g.lazy(`weight.${layer}`, "uint8", [width, blocks, blockBytes], () =>
      randomBytes(width * blocks * blockBytes, layer),
    );
    // Uniform over 2^bits levels has variance 4^bits / 12.
    const scale = Math.sqrt(12 / width) / 2 ** bits;
    const scales = g.constant(
      `scales.${layer}`,
      "float32",
      [width * blocks],
      new Float32Array(width * blocks).fill(scale * (1 + (layer + 1) / 1e4)),
    );
    const attributes = {
      K: intAttribute(width),
      N: intAttribute(width),
      bits: intAttribute(bits),
      block_size: intAttribute(INT4_BLOCK),
      accuracy_level: intAttribute(accuracyLevel),
    };
    return g.add(`/layers.${layer}/MatMulNBits`, "MatMulNBits", [x, packed, scales], { domain: MICROSOFT, attributes });
  };

/** The five nodes of ONNX Runtime's dynamic quantisation, which its optimiser fuses. */
const addInteger: AddLayer = (g, x, width, layer) => {
  const scope = `/layers.${layer}`;
  // 7 bits: see int8.ts.
  const weight = g.lazy(`weight.${layer}`, "int8", [width, width], () => {
    const bytes = randomBytes(width * width, layer);
    for (let i = 0; i < bytes.length; i++) bytes[i] = (bytes[i]! & 127) - 64;
    return bytes;
  });
  const scale = Math.sqrt(3 / width) / 64;
  const scales = g.constant(
    `scales.${layer}`,
    "float32",
    [width],
    new Float32Array(width).fill(scale * (1 + (layer + 1) / 1e4)),
  );
  const zero = g.constant("zero", "int8", [], Int8Array.of(0));
  const [bytes, step, point] = ["quantized", "scale", "zero_point"].map((part) => `${scope}/${part}`);
  g.addTo([bytes!, step!, point!], `${scope}/DynamicQuantizeLinear`, "DynamicQuantizeLinear", [x]);
  const product = g.add(`${scope}/MatMulInteger`, "MatMulInteger", [bytes!, weight, point!, zero]);
  const float = g.add(`${scope}/Cast`, "Cast", [product], { attributes: { to: typeAttribute("float32") } });
  const scaling = g.add(`${scope}/scale/Mul`, "Mul", [step!, scales]);
  return g.add(`${scope}/output/Mul`, "Mul", [float, scaling]);
};
