import type { Cell } from "../contracts/environment.ts";
import { EPSILONS } from "../profile/profile.ts";
import type { DeviceSignature } from "./device-signature.ts";
import type { GraphSummary, KernelClass, ModuleKind } from "./graph-summary.ts";
import { type Group, idleOf, sumOf } from "./predicted-parts.ts";
import { Predictor } from "./predictor.ts";

/** What ends the free positions of a module. */
export type Mechanism =
  /** The arithmetic of n rows takes as long as reading the weights: balance alone. */
  | "bandwidth-slack"
  /** Balance would allow more, but the kernel computes more rows than it is given. */
  | "granularity-slack"
  /** More positions wake more experts, whose weights must be read. */
  | "expert-activation"
  /** Each position works through the whole KV cache. */
  | "kv-traffic"
  /** What each position costs around the kernels: element-wise nodes, copies, dispatch. */
  | "constant-cost";

/** Milliseconds of a forward by n, split by where they go. Every array: [n-1], n = 1..maxPositions. */
export interface ModulePrediction {
  /** E.g. `dense-ffn MatMul float32`: the modules of one kind and kernel class, summed over the layers. `host` for what is outside. */
  readonly name: string;
  readonly kind: ModuleKind | "host";
  readonly kernel?: KernelClass | undefined;
  readonly costMs: readonly number[];
  /** Reading operands, computing the rows that the kernel computes, and the rest; `costMs` is less where the first two overlap. */
  readonly bandwidthMs: readonly number[];
  readonly computeMs: readonly number[];
  readonly constantMs: readonly number[];
  /** The boundary that balance alone predicts for this module. Infinity where it reads or computes nothing that counts. */
  readonly idleCompute: number;
  readonly boundaries: readonly PredictedBoundary[];
}

export interface PredictedBoundary {
  readonly epsilon: number;
  /** Largest N such that every n <= N has T(n) <= (1 + epsilon) T(1); `maxPositions` where no n breaks it. */
  readonly prefixFree: number;
  /** What makes n = prefixFree + 1 too dear; absent where nothing does. */
  readonly limit?: { readonly module: string; readonly mechanism: Mechanism } | undefined;
}

/** What a model would cost on a device, from its graph and the device's signature. */
export interface Prediction {
  readonly cell: Cell;
  readonly maxPositions: number;
  /** T(n) in ms, [n-1]. */
  readonly costMs: readonly number[];
  readonly boundaries: readonly PredictedBoundary[];
  /** The idle-compute baseline of the whole model: positions at which its arithmetic takes as long as its reading. */
  readonly idleCompute: number;
  /** Modules of one kind and class together, dearest at n = 1 first, `host` last. */
  readonly modules: readonly ModulePrediction[];
  /** What had to be assumed, one line each: a class that the signature lacks, a figure that the graph leaves open. */
  readonly assumed: readonly string[];
}

export interface PredictOptions {
  /** Default 64. */
  readonly maxPositions?: number;
  /** Default `EPSILONS`. */
  readonly epsilons?: readonly number[];
  /** Experts that n positions wake in a layer, [n-1], as measured: instead of even routing. */
  readonly uniqueExperts?: readonly number[] | undefined;
}

const DEFAULT_MAX_POSITIONS = 64;

/**
 * Predicts T(n) of `summary` on the device of `signature`, with `cell.contextLength` positions in the KV cache.
 *
 * T(n) = sum over modules of nodeMs + n * channels * channelMs + (bw^p + comp^p)^(1/p), with bw = bytes / beta(working set) and
 * comp = FLOPs * u(n) / phi (arXiv 2605.30851; docs/principle.md). Pure; never throws: what the signature lacks is in `assumed`.
 */
export function predict(
  summary: GraphSummary,
  signature: DeviceSignature,
  cell: Cell,
  options: PredictOptions = {},
): Prediction {
  const { maxPositions = DEFAULT_MAX_POSITIONS, epsilons = EPSILONS, uniqueExperts } = options;
  const context = new Predictor(summary, signature, cell, maxPositions, uniqueExperts);
  const groups = [...context.kernels(), ...context.others(), context.host()];
  const costMs = sumOf(
    groups.map(({ parts }) => parts.costMs),
    maxPositions,
  );
  const boundaries = epsilons.map((epsilon) => boundaryOf(costMs, epsilon, groups));
  const modules = groups
    .map(({ name, kind, kernel, parts }): ModulePrediction => {
      const { bandwidthMs, computeMs, constantMs, costMs: own } = parts;
      const alone = [{ name, kind, kernel, parts }];
      return {
        name,
        kind,
        ...(kernel && { kernel }),
        costMs: own,
        bandwidthMs,
        computeMs,
        constantMs,
        idleCompute: idleOf([parts]),
        boundaries: epsilons.map((epsilon) => boundaryOf(own, epsilon, alone)),
      };
    })
    .sort((a, b) => Number(a.kind === "host") - Number(b.kind === "host") || b.costMs[0]! - a.costMs[0]!);
  const idleCompute = idleOf(groups.map(({ parts }) => parts));
  return { cell, maxPositions, costMs, boundaries, idleCompute, modules, assumed: context.assumed };
}

function boundaryOf(costMs: readonly number[], epsilon: number, groups: readonly Group[]): PredictedBoundary {
  const bound = costMs[0]! * (1 + epsilon);
  const above = costMs.findIndex((ms) => ms > bound);
  if (above < 0) return { epsilon, prefixFree: costMs.length };
  const growth = (group: Group) => group.parts.costMs[above]! - group.parts.costMs[0]!;
  const limiting = groups.reduce((a, b) => (growth(b) > growth(a) ? b : a));
  return {
    epsilon,
    prefixFree: above,
    limit: { module: limiting.name, mechanism: mechanismOf(limiting, above, epsilon) },
  };
}

/** What makes the group dearer at n = above + 1 than at 1. */
function mechanismOf({ kind, parts }: Group, above: number, epsilon: number): Mechanism {
  if (parts.peakMs === 0) return "constant-cost";
  if (kind === "attention") return "kv-traffic";
  const grown = (curve: readonly number[]) => curve[above]! - curve[0]!;
  if (grown(parts.constantMs) > grown(parts.costMs) / 2) return "constant-cost";
  if (parts.activationMs && grown(parts.activationMs) > grown(parts.costMs) / 2) return "expert-activation";
  // The first n that is too dear: above + 1.
  return above + 1 <= (1 + epsilon) * idleOf([parts]) ? "granularity-slack" : "bandwidth-slack";
}
