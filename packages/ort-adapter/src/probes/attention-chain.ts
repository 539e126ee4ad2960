import type { KernelClass } from "@nearfree/core/principle";
import type { DecoderSpec } from "../build/decoder-spec.ts";
import { decomposedCore } from "../build/decomposed-attention.ts";
import { GENERATED_SHAPES } from "../build/generated-shapes.ts";
import { gqaCore } from "../build/gqa-attention.ts";
import { GraphBuilder } from "../build/graph-builder.ts";
import type { Model } from "../onnx/model.ts";
import { addFirstRow } from "./first-row.ts";
import { rewrittenGraph } from "./rewritten-graph.ts";

export interface AttentionChainShape {
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

/**
 * Attentions without their projections, one behind the other: `x [1, n, heads * headDim]` are the queries of the first layer, what a
 * layer gives those of the next; `kv [1, n, kvHeads * headDim]` are the new keys and values of all. The caches are named as a
 * decoder's, and what else is fed too. Undefined for a class that has no generator here.
 */
export function buildAttentionChain(kernel: KernelClass, shape: AttentionChainShape): Model | undefined {
  if (kernel.activation !== "float32" || kernel.weight !== undefined) return undefined;
  if (kernel.operator !== "GroupQueryAttention" && kernel.operator !== "MatMul") return undefined;
  const fused = kernel.operator === "GroupQueryAttention";
  const { layers, heads, kvHeads, headDim } = shape;
  const spec: DecoderSpec = {
    shape: { ...GENERATED_SHAPES["dense-70m"], ...shape },
    attention: fused ? "gqa" : "decomposed",
    quantisation: "fp32",
  };
  const g = new GraphBuilder();
  g.input("input_ids", "int64", [1, "sequence_length"]);
  g.input("attention_mask", "int64", [1, "total_sequence_length"]);
  let value = g.input("x", "float32", [1, "sequence_length", heads * headDim]);
  const kv = g.input("kv", "float32", [1, "sequence_length", kvHeads * headDim]);
  const core = (fused ? gqaCore : decomposedCore)(g, spec);
  for (let layer = 0; layer < layers; layer++) value = core(layer, { q: value, k: kv, v: kv });
  addFirstRow(g, value, heads * headDim);
  const chain = g.build("attention-chain");
  return kernel.cache === undefined ? chain : rewrittenGraph(chain, kernel.cache);
}
