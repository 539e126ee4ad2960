import type { DecoderSpec, DecoderWeights } from "./decoder-spec.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import type { Matrix } from "./matrix.ts";

/** Adds the attention of one layer to the graph: `x` [batch, sequence, hidden] to the same shape. */
export type AttentionLayer = (layer: number, x: string) => string;

/** The part of it between the projections: queries, keys and values [batch, sequence, heads * headDim] to what comes before the last one. */
export type AttentionCore = (layer: number, projected: { q: string; k: string; v: string }) => string;

/** Names of a layer's cache tensors: what goes in and what comes out. */
export interface LayerCache {
  readonly pastKey: string;
  readonly pastValue: string;
  readonly presentKey: string;
  readonly presentValue: string;
}

/** Declares the cache of one layer among the graph's inputs and outputs, [batch, kvHeads, length, headDim] each. */
export function addLayerCache(g: GraphBuilder, spec: DecoderSpec, layer: number): LayerCache {
  const { kvHeads, headDim } = spec.shape;
  const past = ["batch_size", kvHeads, "past_sequence_length", headDim];
  const present = ["batch_size", kvHeads, "total_sequence_length", headDim];
  return {
    pastKey: g.input(`past_key_values.${layer}.key`, "float32", past),
    pastValue: g.input(`past_key_values.${layer}.value`, "float32", past),
    presentKey: g.output(`present.${layer}.key`, "float32", present),
    presentValue: g.output(`present.${layer}.value`, "float32", present),
  };
}

/** The four projections of a layer's attention. */
export function attentionMatrices(
  spec: DecoderSpec,
  weights: DecoderWeights,
  layer: number,
): Record<"q" | "k" | "v" | "o", Matrix> {
  const { heads, kvHeads, headDim, hiddenSize } = spec.shape;
  const matrix = (part: string, rows: number, columns: number) =>
    weights.matrix(`model.layers.${layer}.self_attn.${part}_proj.weight`, rows, columns);
  return {
    q: matrix("q", heads * headDim, hiddenSize),
    k: matrix("k", kvHeads * headDim, hiddenSize),
    v: matrix("v", kvHeads * headDim, hiddenSize),
    o: matrix("o", hiddenSize, heads * headDim),
  };
}
