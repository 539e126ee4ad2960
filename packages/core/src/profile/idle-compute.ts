import type { Probe } from "../contracts/probe.ts";

/** What a device can do through one runtime, measured with kernels of one class. */
export interface Balance {
  readonly flopsPerSecond: number;
  readonly bytesPerSecond: number;
}

/** A probe of which the work of one forward is known. */
export interface Workload {
  readonly probe: Probe;
  /** The n that is run. */
  readonly positions: number;
  /** Bytes read, or FLOPs done, by `run(positions)`. */
  readonly amount: number;
}

/** What `measureBalance` times: one forward that waits for weights, one that waits for arithmetic. */
export interface BalanceProbes {
  /** In bytes. */
  readonly bandwidth: Workload;
  /** In FLOPs. */
  readonly compute: Workload;
}

/**
 * The idle-compute baseline: positions at which a dense layer's arithmetic takes as long as reading its weights, if nothing
 * but balance mattered. A position costs 2 FLOPs per weight, so N = (FLOP/s / byte/s) * bytesPerWeight / 2 (arXiv 2605.30851).
 * Kept for comparison, since kernels compute whole tiles and real boundaries lie lower. Rounded down, at least 1.
 */
export function idleCompute({
  flopsPerSecond,
  bytesPerSecond,
  bytesPerWeight,
}: Balance & { readonly bytesPerWeight: number }): number {
  return Math.max(1, Math.floor(((flopsPerSecond / bytesPerSecond) * bytesPerWeight) / 2));
}
