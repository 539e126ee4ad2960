import { buildDecoder } from "../build/decoder.ts";
import type { DecoderShape, DecoderSpec } from "../build/decoder-spec.ts";
import { randomWeights } from "../build/random-weights.ts";
import type { Model } from "../onnx/model.ts";

/** Sizes that are all different, so that a test sees which one went where. */
export const SAMPLE_SHAPE: DecoderShape = {
  vocabularySize: 96,
  hiddenSize: 64,
  intermediateSize: 160,
  layers: 3,
  heads: 4,
  kvHeads: 2,
  headDim: 16,
  contextLimit: 48,
  ropeTheta: 10_000,
  rmsNormEpsilon: 1e-5,
  tiedHead: false,
};

/** A small decoder with random weights: fp32 with GroupQueryAttention, but for what `spec` says. */
export function sampleDecoder({ shape, ...spec }: Partial<DecoderSpec> = {}): Model {
  return buildDecoder(
    { attention: "gqa", quantisation: "fp32", ...spec, shape: { ...SAMPLE_SHAPE, ...shape } },
    randomWeights(7),
  );
}
