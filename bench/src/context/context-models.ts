import { type DecoderSpec, GENERATED_SHAPES } from "@nearfree/ort-adapter";
import type { BenchModel, WeightKind } from "../setup/bench-models.ts";

/** A model, and how many threads people would give it. */
export interface ContextModel {
  readonly model: BenchModel;
  readonly threads: number;
  readonly contexts: readonly number[];
  readonly layers: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

const CONTEXTS = [128, 1024, 4032];

function generated(shapeName: keyof typeof GENERATED_SHAPES, weights: WeightKind, threads: number): ContextModel {
  const shape = GENERATED_SHAPES[shapeName];
  const quantisation = weights === "int4" ? "int4" : "fp32";
  const source: DecoderSpec = { shape, attention: "gqa", quantisation };
  const model: BenchModel = {
    name: `${shapeName}-${weights}`,
    weights,
    batches: [1],
    contexts: CONTEXTS,
    environments: [{ ep: "cpu", threads }],
    source,
  };
  const { layers, kvHeads, headDim } = shape;
  return { model, threads, contexts: CONTEXTS, layers, kvHeads, headDim };
}

/** Small ones first. */
export const CONTEXT_MODELS: readonly ContextModel[] = [
  generated("dense-70m", "int4", 1),
  generated("dense-70m", "fp32", 1),
  generated("smollm2-135m", "int4", 2),
  generated("smollm2-135m", "fp32", 2),
  generated("dense-270m", "fp32", 2),
  generated("qwen2.5-0.5b", "int4", 2),
  generated("qwen2.5-0.5b", "fp32", 2),
];
