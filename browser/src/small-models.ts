import { buildDecoder, randomWeights } from "@nearfree/ort-adapter";
import { encodeModelToBytes } from "@nearfree/ort-adapter/onnx";
import type { ExerciseOptions } from "./exercise-runner.ts";

const SHAPE = {
  vocabularySize: 64,
  hiddenSize: 64,
  intermediateSize: 128,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 16,
  contextLimit: 256,
  ropeTheta: 10_000,
  rmsNormEpsilon: 1e-5,
  tiedHead: true,
};

export const CONTEXT_LIMIT = SHAPE.contextLimit;

/** Outputs with what goes into the KV cache. */
export const PRESENTS = Array.from({ length: SHAPE.layers }, (_, layer) => [
  `present.${layer}.key`,
  `present.${layer}.value`,
]).flat();

/** Every number of positions is a kernel to be compiled, which takes a software adapter seconds: few of them. */
export const EXERCISE: ExerciseOptions = {
  tokens: Array.from({ length: 48 }, (_, i) => (i * i * 3 + i) % 16),
  maxPositions: 8,
  newTokens: 24,
};

const decoder = (quantisation: "fp32" | "int4", attention: "gqa" | "decomposed") =>
  encodeModelToBytes(buildDecoder({ shape: SHAPE, attention, quantisation }, randomWeights(1)));

/** ONNX models of random weights, in bytes. */
export const SMALL_MODELS = {
  fp32: decoder("fp32", "gqa"),
  int4: decoder("int4", "gqa"),
  decomposed: decoder("fp32", "decomposed"),
};
