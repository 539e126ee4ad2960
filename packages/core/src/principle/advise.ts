import { type Cell, canonicalJson } from "../contracts/environment.ts";
import { expectedTokens } from "../profile/expected-tokens.ts";
import { DEFAULT_EPSILON } from "../profile/profile.ts";
import type { DeviceSignature } from "./device-signature.ts";
import { type GraphSummary, REWRITTEN_FORMS, type RewrittenForm } from "./graph-summary.ts";
import { type PredictedBoundary, type Prediction, type PredictOptions, predict } from "./predict.ts";
import { classesOf, isAttention } from "./stand-in-signature.ts";
import { summaryIn } from "./summary-in.ts";
import { type WeightFormatName, withActiveExperts, withExperts, withThreads, withWeights } from "./what-if.ts";

/** Share of draft tokens accepted where the caller names none. */
export const DEFAULT_ACCEPTANCE = 0.7;

/** What a change would do, by the same formulas as the prediction of the model as it is. */
export interface Advice {
  /** The change in words, `as it is` for the first. */
  readonly change: string;
  /** Boundary at epsilon 0.1, and what ends it. */
  readonly boundary: PredictedBoundary;
  readonly idleCompute: number;
  /** Tokens/s of a plain loop: one position a forward. */
  readonly plainTokensPerSecond: number;
  readonly best: BestPositions;
  readonly assumed: readonly string[];
}

/** The number of positions with the most tokens/s, drafting free. */
export interface BestPositions {
  readonly positions: number;
  readonly tokensPerSecond: number;
}

export interface AdviseOptions extends Pick<PredictOptions, "maxPositions" | "uniqueExperts"> {
  /** Probability that a draft token is accepted, given those before it were. In [0, 1). Default 0.7. */
  readonly acceptance?: number;
  /** Signatures of the same device with other numbers of threads: instead of scaling this one's. */
  readonly otherThreads?: readonly DeviceSignature[];
}

/**
 * What the model could gain on the device of `signature` by other weights, top-k, expert count, form of its cache, context or threads; as
 * it is first.
 * The uniqueExperts that were measured hold for the model's own experts only, so changes of those fall back to even routing.
 */
export function advise(
  summary: GraphSummary,
  signature: DeviceSignature,
  cell: Cell,
  { acceptance = DEFAULT_ACCEPTANCE, otherThreads = [], uniqueExperts, ...options }: AdviseOptions = {},
): Advice[] {
  const routed = { ...options, uniqueExperts };
  const change = (
    what: string,
    changed: { summary?: GraphSummary; signature?: DeviceSignature; cell?: Cell; assumed?: readonly string[] },
    settings: PredictOptions = routed,
  ): Advice => {
    const prediction = predict(changed.summary ?? summary, changed.signature ?? signature, changed.cell ?? cell, {
      ...settings,
      epsilons: [DEFAULT_EPSILON],
    });
    return adviceOf(what, prediction, acceptance, changed.assumed ?? []);
  };
  return [
    change("as it is", {}),
    ...otherWeights(summary).map((weights) =>
      change(`weights in ${weights}`, { summary: withWeights(summary, weights) }),
    ),
    ...otherTopK(summary).map((active) =>
      change(`top-${active} experts`, { summary: withActiveExperts(summary, active) }, options),
    ),
    ...otherCounts(summary).map((count) =>
      change(`${count} experts a layer`, { summary: withExperts(summary, count) }, options),
    ),
    ...otherCaches(summary, signature).map((form) => change(`KV cache ${form}`, { summary: summaryIn(summary, form) })),
    ...otherContexts(cell).map((contextLength) =>
      change(`context ${contextLength}`, { cell: { ...cell, contextLength } }),
    ),
    ...threadCounts(signature).map((threads) => {
      const measured = otherThreads.find(({ environment }) => environment.threads === threads);
      const assumed = measured ? [] : ["threads: arithmetic and cache scale with them, memory does not"];
      const what = `${threads} ${threads === 1 ? "thread" : "threads"}`;
      return change(what, { signature: measured ?? withThreads(signature, threads), assumed });
    }),
  ];
}

/** The n with the most expected tokens per ms: `expectedTokens` at this acceptance over costMs[n-1]. */
export function bestPositions(costMs: readonly number[], acceptance: number): BestPositions {
  let best: BestPositions = { positions: 1, tokensPerSecond: 0 };
  for (const [i, ms] of costMs.entries()) {
    const tokensPerSecond = (1_000 * expectedTokens(i + 1, acceptance)) / ms;
    if (tokensPerSecond > best.tokensPerSecond) best = { positions: i + 1, tokensPerSecond };
  }
  return best;
}

function adviceOf(
  change: string,
  { boundaries, costMs, idleCompute, assumed }: Prediction,
  acceptance: number,
  alsoAssumed: readonly string[],
): Advice {
  return {
    change,
    boundary: boundaries[0]!,
    idleCompute,
    plainTokensPerSecond: 1_000 / costMs[0]!,
    best: bestPositions(costMs, acceptance),
    assumed: [...assumed, ...alsoAssumed],
  };
}

/** Those that the model's products do not have already. */
function otherWeights({ modules }: GraphSummary): WeightFormatName[] {
  const present = new Set(modules.filter(({ kind }) => kind !== "moe-ffn").map(({ kernel }) => kernel.weight));
  const formats: readonly (readonly [WeightFormatName, string])[] = [
    ["fp32", "float32"],
    ["int8", "int8"],
    ["int4", "int4"],
  ];
  return formats.filter(([, weight]) => !present.has(weight)).map(([name]) => name);
}

function expertsOf({ modules }: GraphSummary) {
  return modules.find(({ experts }) => experts !== undefined)?.experts;
}

function otherTopK(summary: GraphSummary): number[] {
  const experts = expertsOf(summary);
  if (experts === undefined) return [];
  const { active, count } = experts;
  return distinct([Math.max(1, Math.floor(active / 2)), Math.min(count, 2 * active)], active);
}

function otherCounts(summary: GraphSummary): number[] {
  const experts = expertsOf(summary);
  if (experts === undefined) return [];
  const { active, count } = experts;
  return distinct([Math.max(active, Math.floor(count / 2)), 2 * count], count);
}

function otherContexts({ contextLength }: Cell): number[] {
  return distinct(
    [Math.floor(contextLength / 4), Math.max(1, contextLength) * 4, Math.max(1, contextLength) * 16],
    contextLength,
  );
}

/** Of a graph as it was exported: the rewritten ones whose attention the signature knows. */
function otherCaches(summary: GraphSummary, { kernels }: DeviceSignature): RewrittenForm[] {
  const known = new Set(kernels.map(({ kernel }) => canonicalJson(kernel)));
  const attentions = classesOf(summary).filter(isAttention);
  if (attentions.length === 0 || attentions.some(({ cache }) => cache !== undefined)) return [];
  return REWRITTEN_FORMS.filter((form) =>
    attentions.every((kernel) => known.has(canonicalJson({ ...kernel, cache: form }))),
  );
}

/** Threads mean something where the CPU computes. */
function threadCounts({ environment: { threads, executionProvider } }: DeviceSignature): number[] {
  if (executionProvider !== "cpu" && executionProvider !== "wasm") return [];
  return distinct([Math.max(1, Math.floor(threads / 2)), 2 * threads], threads);
}

function distinct(values: readonly number[], without: number): number[] {
  return [...new Set(values)].filter((value) => value !== without).sort((a, b) => a - b);
}
