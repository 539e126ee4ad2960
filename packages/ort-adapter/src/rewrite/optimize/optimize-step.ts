/** One thing that is done to a model; what it costs or brings is another matter. */
export type OptimizeStep =
  /** Every row gets logits again, where the head was pruned to the last position. */
  | { readonly step: "unprune-head" }
  /** Attention that returns the new rows of its cache alone: see docs/attention.md. */
  | { readonly step: "form"; readonly form: "lean" | "rows" }
  /** What MatMulNBits computes in: 0 leaves it to the kernel, 1 is fp32, 4 rounds activations to int8. */
  | { readonly step: "accuracy-level"; readonly level: AccuracyLevel }
  /** Products with fp32 weights become MatMulNBits with four-bit ones. `blockSize`: a power of two from 16 on. */
  | { readonly step: "int4"; readonly blockSize: number; readonly accuracyLevel: AccuracyLevel }
  /** Input shapes of a model that takes one token a run: a pruned head then is no fault, and can be compared with. */
  | { readonly step: "one-token" };

/** Steps that leave every weight as it is. */
export type GraphStep = Exclude<OptimizeStep, { readonly step: "int4" }>;

export type AccuracyLevel = 0 | 1 | 2 | 3 | 4;

/** What became of a step. */
export interface StepOutcome {
  readonly step: OptimizeStep["step"];
  /** Whether the graph is another one. */
  readonly changed: boolean;
  /** In words: what was changed, or why nothing was. */
  readonly detail: string;
}
