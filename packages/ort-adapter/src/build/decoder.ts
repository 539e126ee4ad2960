import type { Model } from "../onnx/model.ts";
import { checkSpec, type DecoderSpec, type DecoderWeights } from "./decoder-spec.ts";
import { decomposedAttention } from "./decomposed-attention.ts";
import { gqaAttention } from "./gqa-attention.ts";
import { GraphBuilder, rawBytes } from "./graph-builder.ts";
import { addLinear } from "./linear.ts";
import { addMlp } from "./mlp.ts";
import { addMoe } from "./moe.ts";
import { ResidualStream } from "./residual.ts";

/**
 * Builds a decoder graph in the layout of transformers.js and optimum:
 * `input_ids` [batch_size, sequence_length] int64, `attention_mask` [batch_size, total_sequence_length] int64, optional
 * `position_ids`, `past_key_values.{i}.key|value` [batch_size, kvHeads, past_sequence_length, headDim] in;
 * `logits` [batch_size, sequence_length, vocabulary], `present.{i}.key|value` out.
 * Weights are read when the model is written; quantised ones at once.
 * @throws NearfreeError `invalid-argument` for sizes that the kernels cannot run; what `weights` throws.
 */
export function buildDecoder(spec: DecoderSpec, weights: DecoderWeights): Model {
  checkSpec(spec);
  const { layers, vocabularySize, hiddenSize, tiedHead } = spec.shape;
  const g = new GraphBuilder();
  g.input("input_ids", "int64", ["batch_size", "sequence_length"]);
  g.input("attention_mask", "int64", ["batch_size", "total_sequence_length"]);
  g.output("logits", "float32", ["batch_size", "sequence_length", vocabularySize]);
  const embedding = weights.matrix("model.embed_tokens.weight", vocabularySize, hiddenSize);
  const table = g.lazy("model.embed_tokens.weight", "float32", [vocabularySize, hiddenSize], () =>
    rawBytes(embedding.read()),
  );
  const attention = (spec.attention === "gqa" ? gqaAttention : decomposedAttention)(g, spec, weights);
  const feedForward = spec.shape.experts ? addMoe : addMlp;
  const embedded = g.add("/model/embed_tokens/Gather", "Gather", [table, "input_ids"]);
  const residual = new ResidualStream(g, spec, weights, embedded);
  let x = residual.normalise("layers.0.input_layernorm");
  for (let layer = 0; layer < layers; layer++) {
    x = residual.addAndNormalise(attention(layer, x), `layers.${layer}.post_attention_layernorm`);
    const next = layer + 1 < layers ? `layers.${layer + 1}.input_layernorm` : "norm";
    x = residual.addAndNormalise(feedForward(g, spec, weights, layer, x), next);
  }
  const head = tiedHead ? embedding : weights.matrix("lm_head.weight", vocabularySize, hiddenSize);
  addLinear(g, spec, x, { scope: "/lm_head", matrix: head, output: "logits" });
  return g.build("decoder");
}
