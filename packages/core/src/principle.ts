import type { DeviceSignature } from "./device-signature.ts";
import type { Cell } from "./environment.ts";
import type { GraphSummary, KernelClass, ModuleKind } from "./graph-summary.ts";

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
  /** Bytes of KV cache that come back to JavaScript for each position kept: `kvBytesPerPosition` where past and present are copied out. */
  readonly kvPositionsCopied?: ((contextLength: number, positions: number) => number) | undefined;
}

/** Predicts T(n) of `summary` on the device of `signature`, with `cell.contextLength` positions in the KV cache. */
export type Predict = (
  summary: GraphSummary,
  signature: DeviceSignature,
  cell: Cell,
  options?: PredictOptions,
) => Prediction;
