import type { RewrittenForm } from "@nearfree/core/principle";
import { GENERATED_SHAPES } from "@nearfree/ort-adapter";
import { BENCH_MODELS, type BenchEnvironment, type BenchModel } from "../setup/bench-models.ts";

/** Sizes that people run: many layers, and a cache that outgrows the weights. */
const SMOLLM2: BenchModel = {
  name: "smollm2-135m-int4",
  weights: "int4",
  batches: [1],
  contexts: [1024, 4032],
  environments: [{ ep: "cpu", threads: 1 }],
  source: { shape: GENERATED_SHAPES["smollm2-135m"], attention: "gqa", quantisation: "int4", accuracyLevel: 4 },
};

/** What `bench:principle` can measure: the models of the other benches, and one with many layers. */
export const PRINCIPLE_MODELS: readonly BenchModel[] = [...BENCH_MODELS, SMOLLM2];

/** The graph whose curve is measured. */
export type GraphForm = "original" | RewrittenForm;

const LEAN_MODELS = new Set(["dense-70m", "dense-70m-int4-acc4", SMOLLM2.name]);
/** Where the cache is small every form costs the same. */
const LEAST_CONTEXT = 1024;

/** The forms that a model is measured in there, and the contexts of each. */
export function formsOf(
  { name, contexts }: BenchModel,
  { ep, threads }: BenchEnvironment,
): readonly { readonly form: GraphForm; readonly contexts: readonly number[] }[] {
  // On wasm a long context takes minutes to read in.
  const original = { form: "original", contexts: ep === "wasm" ? contexts.slice(0, 1) : contexts } as const;
  if (ep !== "cpu" || threads !== 1 || !LEAN_MODELS.has(name)) return [original];
  return [original, { form: "lean", contexts: contexts.filter((context) => context >= LEAST_CONTEXT) }];
}
