import * as v from "valibot";
import type { Environment } from "../contracts/environment.ts";

/** What the schemas of profiles and signatures are built of. */
export const finite = v.pipe(v.number(), v.finite());
export const positive = v.pipe(finite, v.gtValue(0));
export const nonNegative = v.pipe(finite, v.minValue(0));
export const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
export const positions = v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(1 << 20));
const scalar = v.union([v.string(), v.number(), v.boolean()]);

export const environmentSchema = v.strictObject({
  runtime: v.string(),
  runtimeVersion: v.string(),
  executionProvider: v.string(),
  options: v.record(v.string(), scalar),
  threads: count,
  graphOptimizationLevel: v.string(),
  device: v.record(v.string(), v.union([v.string(), v.number()])),
});

// The schema is the source of truth for the interface too: this line fails to compile when they part.
const _environmentMatches: (environment: v.InferOutput<typeof environmentSchema>) => Environment = (same) => same;
void _environmentMatches;
