import { buildDecoder, GENERATED_SHAPES, randomWeights } from "@nearfree/ort-adapter";
import { encodeModelToBytes } from "@nearfree/ort-adapter/onnx";
import type { ExerciseOptions } from "./exercise-runner.ts";

const SHAPE = { ...GENERATED_SHAPES.tiny, vocabularySize: 64, contextLimit: 256 };

export const CONTEXT_LIMIT = SHAPE.contextLimit;

/** Outputs with what goes into the KV cache. */
export const PRESENTS = Array.from({ length: SHAPE.layers }, (_, layer) => [
  `present.${layer}.key`,
  `present.${layer}.value`,
]).flat();

export const EXERCISE: ExerciseOptions = {
  tokens: Array.from({ length: 48 }, (_, i) => (i * i * 3 + i) % 16),
  maxPositions: 8,
  newTokens: 24,
};

/** A software adapter takes seconds to compile the kernels of each new number of positions: few of them. */
export const WEBGPU_EXERCISE: ExerciseOptions = { ...EXERCISE, maxPositions: 4 };

const decoder = (quantisation: "fp32" | "int4", attention: "gqa" | "decomposed") =>
  encodeModelToBytes(buildDecoder({ shape: SHAPE, attention, quantisation }, randomWeights(1)));

/** ONNX models of random weights, in bytes. */
export const SMALL_MODELS = {
  fp32: decoder("fp32", "gqa"),
  int4: decoder("int4", "gqa"),
  decomposed: decoder("fp32", "decomposed"),
};
