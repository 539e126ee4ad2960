import type { BalanceProbes, Probe } from "@nearfree/core/measure";
import type { InferenceSession, TensorConstructor } from "onnxruntime-common";
import { encodeModelToBytes } from "../onnx/write/writer.ts";
import { requireOptions } from "../require-options.ts";
import { buildLinearChain } from "./linear-chain.ts";

/** Weights of the probe graph: beyond the last-level cache of most machines, at a third of what making it takes in memory. */
export const DEFAULT_WORKING_SET_BYTES = 64 << 20;
/** Limits of the working set: below, dispatch is what is measured; above, the probe takes too much memory. */
const MIN_WORKING_SET_BYTES = 1 << 20;
const MAX_WORKING_SET_BYTES = 96 << 20;
/** Width of a layer where the working set allows it, and fewest layers. */
const MAX_WIDTH = 1024;
const MIN_LAYERS = 4;
/** Widths are multiples of this, so that no kernel has columns left over. */
const WIDTH_STEP = 64;
/** Positions of the compute-bound forward: every weight is used 256 times, and a run stays short enough to find a quiet moment. */
const COMPUTE_POSITIONS = 256;
const DENSE = { operator: "MatMul", activation: "float32", weight: "float32" } as const;
const BYTES_PER_WEIGHT = 4;
const FLOPS_PER_WEIGHT = 2;

export interface BalanceProbeOptions {
  /** Makes a session of the runtime and the execution provider to be measured, from a model in memory. */
  readonly createSession: (model: Uint8Array) => Promise<BalanceProbeSession>;
  /** The `Tensor` class of that runtime. */
  readonly Tensor: TensorConstructor;
  /** Bytes of weights that one forward reads: a model's own size shows the bandwidth that it sees. Default 64 MB, clamped to 1..96 MB. */
  readonly workingSetBytes?: number;
}

/** The part of an `InferenceSession` that a probe needs. */
export interface BalanceProbeSession {
  run(feeds: InferenceSession.FeedsType): Promise<unknown>;
  release(): Promise<void>;
}

/**
 * Probes for `measureBalance`: a chain of dense fp32 layers, run for one position (weights are read, little else happens) and for
 * 256 (arithmetic). In memory, no files. `release` frees the session.
 * @throws NearfreeError `invalid-argument` for an option that is missing.
 */
export async function createBalanceProbes(
  options: BalanceProbeOptions,
): Promise<BalanceProbes & { release(): Promise<void> }> {
  requireOptions({ options });
  const { createSession, Tensor, workingSetBytes = DEFAULT_WORKING_SET_BYTES } = options;
  requireOptions({ createSession, Tensor });
  const shape = chainShape(workingSetBytes);
  const weights = shape.width * shape.width * shape.layers;
  const session = await createSession(encodeModelToBytes(buildLinearChain(DENSE, shape)!));
  const feedsOf = (n: number) => ({
    x: new Tensor("float32", new Float32Array(n * shape.width).fill(1), [1, n, shape.width]),
  });
  const feeds = new Map([1, COMPUTE_POSITIONS].map((n) => [n, feedsOf(n)]));
  const probe: Probe = {
    maxPositions: COMPUTE_POSITIONS,
    prepare: (n) => {
      if (!feeds.has(n)) feeds.set(n, feedsOf(n));
    },
    run: async (n) => {
      await session.run(feeds.get(n) ?? feedsOf(n));
    },
  };
  return {
    bandwidth: { probe, positions: 1, amount: weights * BYTES_PER_WEIGHT },
    compute: { probe, positions: COMPUTE_POSITIONS, amount: weights * FLOPS_PER_WEIGHT * COMPUTE_POSITIONS },
    release: () => session.release(),
  };
}

/** The widest layers of which at least 4 fit the working set. */
export function chainShape(workingSetBytes: number): { readonly width: number; readonly layers: number } {
  const bytes = Math.min(MAX_WORKING_SET_BYTES, Math.max(MIN_WORKING_SET_BYTES, workingSetBytes));
  const fitting = Math.floor(Math.sqrt(bytes / (MIN_LAYERS * BYTES_PER_WEIGHT)) / WIDTH_STEP) * WIDTH_STEP;
  const width = Math.min(MAX_WIDTH, fitting);
  return { width, layers: Math.round(bytes / (width * width * BYTES_PER_WEIGHT)) };
}
