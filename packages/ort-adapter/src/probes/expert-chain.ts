import type { KernelClass } from "@nearfree/core/principle";
import {
  floatAttribute,
  GraphBuilder,
  intAttribute,
  MICROSOFT,
  rawBytes,
  stringAttribute,
} from "../build/graph-builder.ts";
import { INT4_BLOCK } from "../build/int4.ts";
import type { Model } from "../onnx/model.ts";
import { addFirstRow } from "./first-row.ts";
import { randomBytes, randomFloats } from "./random-bytes.ts";

export interface ExpertChainShape {
  readonly width: number;
  /** Width inside an expert. */
  readonly inner: number;
  readonly layers: number;
  readonly experts: number;
  /** Experts of one position. */
  readonly active: number;
}

/**
 * Mixtures of SwiGLU experts, one behind the other: `x [1, n, width] -> y [1, 1, width]`. All layers take the router's `scores [n, experts]` from
 * outside, so that whoever runs the graph decides which experts work. Undefined for a class that has no generator here.
 */
export function buildExpertChain(kernel: KernelClass, shape: ExpertChainShape): Model | undefined {
  const quantised = kernel.operator === "QMoE";
  if (kernel.activation !== "float32" || !["MoE", "QMoE"].includes(kernel.operator)) return undefined;
  if (kernel.weight !== (quantised ? "int4" : "float32")) return undefined;
  const { width, inner, layers, experts, active } = shape;
  const g = new GraphBuilder();
  let value = g.input("x", "float32", [1, "n", width]);
  const scores = g.input("scores", "float32", ["n", experts]);
  for (let layer = 0; layer < layers; layer++) {
    const matrices = [
      { name: `fc1.${layer}`, rows: 2 * inner, columns: width, seed: 2 * layer },
      { name: `fc2.${layer}`, rows: width, columns: inner, seed: 2 * layer + 1 },
    ].map((matrix) => (quantised ? addInt4(g, experts, matrix) : addFloat(g, experts, matrix)));
    const [first, second] = matrices as [string[], string[]];
    value = g.add(`/layers.${layer}/${kernel.operator}`, kernel.operator, [value, scores, ...first, "", ...second], {
      domain: MICROSOFT,
      attributes: {
        k: intAttribute(active),
        activation_type: stringAttribute("swiglu"),
        activation_alpha: floatAttribute(1),
        activation_beta: floatAttribute(0),
        swiglu_fusion: intAttribute(1),
        normalize_routing_weights: intAttribute(1),
        ...(quantised && { expert_weight_bits: intAttribute(4), block_size: intAttribute(INT4_BLOCK) }),
      },
    });
  }
  addFirstRow(g, value, width);
  return g.build("expert-chain");
}

interface ExpertMatrix {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  readonly seed: number;
}

function addFloat(g: GraphBuilder, experts: number, { name, rows, columns, seed }: ExpertMatrix): string[] {
  const make = () => rawBytes(randomFloats(experts * rows * columns, columns, seed));
  return [g.lazy(`${name}.weight`, "float32", [experts, rows, columns], make)];
}

function addInt4(g: GraphBuilder, experts: number, { name, rows, columns, seed }: ExpertMatrix): string[] {
  const blocks = columns / INT4_BLOCK;
  const make = () => randomBytes((experts * rows * columns) / 2, seed);
  const scales = new Float32Array(experts * rows * blocks).fill(
    (Math.sqrt(12 / columns) / 16) * (1 + (seed + 1) / 1e4),
  );
  return [
    g.lazy(`${name}.weight`, "uint8", [experts, rows, columns / 2], make),
    g.constant(`${name}.scales`, "float32", [experts, rows, blocks], scales),
  ];
}
