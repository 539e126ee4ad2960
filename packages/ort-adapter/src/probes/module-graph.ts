import type { DecoderSpec, DecoderWeights } from "../build/decoder-spec.ts";
import { decomposedAttention } from "../build/decomposed-attention.ts";
import { gqaAttention } from "../build/gqa-attention.ts";
import { GraphBuilder } from "../build/graph-builder.ts";
import { addLinear } from "../build/linear.ts";
import { addMlp } from "../build/mlp.ts";
import { addMoe } from "../build/moe.ts";
import type { Model } from "../onnx/model.ts";
import { addFirstRow } from "./first-row.ts";

/** The modules of a decoder that can be run alone. */
export const MODULE_PARTS = ["dense-ffn", "moe-ffn", "attention", "head"] as const;
export type ModulePart = (typeof MODULE_PARTS)[number];

/** Whether a decoder of this spec has the part. */
export function hasPart({ shape }: DecoderSpec, part: ModulePart): boolean {
  if (part === "dense-ffn") return shape.experts === undefined;
  return part !== "moe-ffn" || shape.experts !== undefined;
}

/**
 * One part of the decoder of `spec`, with its shapes, types and quantisation: `layers` copies of it, one behind the other, each with
 * weights of its own. `x [1, n, hidden] -> y [1, 1, hidden]`, the first row; attention also takes the caches and the mask of a decoder, and
 * brings its projections. The head is always one.
 */
export function buildModule(spec: DecoderSpec, weights: DecoderWeights, part: ModulePart, layers: number): Model {
  const { hiddenSize, vocabularySize } = spec.shape;
  const g = new GraphBuilder();
  g.input("input_ids", "int64", [1, "sequence_length"]);
  if (part === "attention") g.input("attention_mask", "int64", [1, "total_sequence_length"]);
  let value = g.input("x", "float32", [1, "sequence_length", hiddenSize]);
  if (part === "head") {
    const matrix = weights.matrix("lm_head.weight", vocabularySize, hiddenSize);
    addFirstRow(g, addLinear(g, spec, value, { scope: "/lm_head", matrix }), vocabularySize);
    return g.build(part);
  }
  const addLayer = layerOf(g, spec, weights, part);
  for (let layer = 0; layer < layers; layer++) value = addLayer(layer, value);
  addFirstRow(g, value, hiddenSize);
  return g.build(part);
}

function layerOf(
  g: GraphBuilder,
  spec: DecoderSpec,
  weights: DecoderWeights,
  part: Exclude<ModulePart, "head">,
): (layer: number, x: string) => string {
  if (part === "attention") return (spec.attention === "gqa" ? gqaAttention : decomposedAttention)(g, spec, weights);
  const add = part === "moe-ffn" ? addMoe : addMlp;
  return (layer, x) => add(g, spec, weights, layer, x);
}
