import type { Model } from "../onnx/model.ts";

export interface MatMulChainShape {
  /** Rows and columns of each weight matrix. */
  readonly width: number;
  readonly layers: number;
}

/**
 * `x [n, width] -> y [n, width]` through square fp32 MatMuls with constant weights: what dense layers of a decoder cost, and
 * nothing else. A row of ones stays one, so that no value leaves the range where arithmetic is fast.
 */
export function buildMatMulChain({ width, layers }: MatMulChainShape): Model {
  const valueName = (layer: number) => (layer === 0 ? "x" : layer === layers ? "y" : `hidden.${layer}`);
  const indices = Array.from({ length: layers }, (_, layer) => layer);
  const value = (name: string) => ({ name, type: "float32", shape: ["n", width] }) as const;
  return {
    irVersion: 8,
    producerName: "nearfree",
    opsets: [{ domain: "", version: 17 }],
    functions: [],
    graph: {
      name: "matmul-chain",
      inputs: [value("x")],
      outputs: [value("y")],
      valueInfos: [],
      initializers: indices.map((layer) => ({
        name: `weight.${layer}`,
        type: "float32",
        dims: [width, width],
        make: () => layerWeights(width, layer),
      })),
      nodes: indices.map((layer) => ({
        name: `/layers.${layer}/MatMul`,
        opType: "MatMul",
        domain: "",
        inputs: [valueName(layer), `weight.${layer}`],
        outputs: [valueName(layer + 1)],
        attributes: new Map(),
      })),
    },
  };
}

/** Rows that sum to one; the first differs by layer, so that no optimiser can take two layers' weights for the same. */
function layerWeights(width: number, layer: number): Uint8Array {
  const weights = new Float32Array(width * width).fill(1 / width);
  const shift = (layer + 1) / (1_000 * width);
  weights[0]! += shift;
  weights[width]! -= shift;
  return new Uint8Array(weights.buffer);
}
