import type { DecoderShape } from "./decoder-spec.ts";

const COMMON = { contextLimit: 4096, ropeTheta: 10_000, rmsNormEpsilon: 1e-5, headDim: 64, tiedHead: true };

/**
 * Decoders to be filled with random weights, for measuring speed only. Two dense ones, beyond the last-level cache of most
 * machines, two with the sizes of models that people run, and two mixtures of experts: few large experts, many small ones. Comments give millions of parameters.
 */
export const GENERATED_SHAPES = {
  // 0.07: built and run in milliseconds, for tests
  tiny: {
    ...COMMON,
    vocabularySize: 96,
    hiddenSize: 64,
    intermediateSize: 128,
    layers: 2,
    heads: 4,
    kvHeads: 2,
    headDim: 16,
    contextLimit: 512,
  },
  // 69
  "dense-70m": {
    ...COMMON,
    vocabularySize: 8192,
    hiddenSize: 768,
    intermediateSize: 2048,
    layers: 10,
    heads: 12,
    kvHeads: 4,
  },
  // 268
  "dense-270m": {
    ...COMMON,
    vocabularySize: 16_384,
    hiddenSize: 1024,
    intermediateSize: 4096,
    layers: 16,
    heads: 16,
    kvHeads: 8,
  },
  // 135, the sizes of SmolLM2-135M
  "smollm2-135m": {
    ...COMMON,
    vocabularySize: 49_152,
    hiddenSize: 576,
    intermediateSize: 1536,
    layers: 30,
    heads: 9,
    kvHeads: 3,
  },
  // 494, the sizes of Qwen2.5-0.5B
  "qwen2.5-0.5b": {
    ...COMMON,
    vocabularySize: 151_936,
    hiddenSize: 896,
    intermediateSize: 4864,
    layers: 24,
    heads: 14,
    kvHeads: 2,
  },
  // 111, of which 36 at work for one position
  "moe-8x2": {
    ...COMMON,
    vocabularySize: 8192,
    hiddenSize: 512,
    intermediateSize: 1024,
    layers: 8,
    heads: 8,
    kvHeads: 4,
    experts: { count: 8, active: 2 },
  },
  // 160, of which 28 at work for one position
  "moe-32x4": {
    ...COMMON,
    vocabularySize: 8192,
    hiddenSize: 512,
    intermediateSize: 512,
    layers: 6,
    heads: 8,
    kvHeads: 4,
    experts: { count: 32, active: 4 },
  },
} as const satisfies Record<string, DecoderShape>;
