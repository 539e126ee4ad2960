import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";

/**
 * Everything that can change a kernel's cost or bits besides the model: the hard key of a profile.
 * Never paths, host names or times.
 */
export interface Environment {
  /** npm package of the runtime, e.g. `onnxruntime-node`. */
  readonly runtime: string;
  readonly runtimeVersion: string;
  /** Execution provider: `cpu`, `wasm`, `webgpu`, `cuda`, ... */
  readonly executionProvider: string;
  /** Options of the execution provider and of the session that choose kernels; keys sorted. */
  readonly options: Readonly<Record<string, string | number | boolean>>;
  /** Intra-op threads. */
  readonly threads: number;
  readonly graphOptimizationLevel: string;
  /** CPU model and flags, or GPU adapter and driver; keys sorted. */
  readonly device: Readonly<Record<string, string | number>>;
}

/** What a profile belongs to: one cell of one model in one environment, measured by one version of the method. */
export interface ProfileKey {
  readonly environment: Environment;
  /** `GraphSummary.structureHash`. */
  readonly model: string;
  readonly cell: Cell;
  /** Version of the measurement method: profiles of another method are not comparable. */
  readonly method: number;
}

/** One point of the context x batch grid. */
export interface Cell {
  /** Positions in the KV cache while measuring. */
  readonly contextLength: number;
  readonly batch: number;
}

/** JSON with sorted keys: equal values give equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part) =>
    part !== null && typeof part === "object" && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : part,
  );
}

/** Lower-case hex sha256 of the canonical JSON of `value`. */
export function hashOf(value: unknown): string {
  return bytesToHex(sha256(utf8ToBytes(canonicalJson(value))));
}
