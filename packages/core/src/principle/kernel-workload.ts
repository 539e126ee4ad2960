import type { Probe } from "../contracts/probe.ts";
import type { KernelClass } from "./graph-summary.ts";

/**
 * `small`: little work a call, so that what a call costs besides shows. `inside` and `beyond`: operands that fit into the last-level
 * cache, and that do not. `narrow`: as `inside`, with attention heads of half the size.
 */
export type WorkloadSize = "small" | "inside" | "beyond" | "narrow";

/** One row alone comes back to JavaScript, whatever n is. */
interface Workload {
  readonly probe: Probe;
  release(): Promise<void>;
}

/** A generated graph of one kernel class of which the work is known. */
export interface KernelWorkload extends Workload {
  /** Calls of the kernel in a forward, one after another. */
  readonly calls: number;
  /** Of one call for n positions: bytes of operands read, and FLOPs of each position. */
  readonly bytes: (positions: number) => number;
  readonly flops: (positions: number) => number;
  /** Geometric mean of a matrix's sides; heads * headDim of an attention. */
  readonly channels: number;
  /** Of an attention. */
  readonly headDim?: number;
}

/** A chain of nodes without weights. */
export interface ElementWorkload extends Workload {
  readonly nodes: number;
  /** Elements that they write for one position, all together. */
  readonly elements: number;
}

/** `run(n)` lets n tensors of `bytes` each come back to JavaScript; the work before is the same for every n. */
export interface CopyWorkload extends Workload {
  readonly bytes: number;
}

/** `run(1)` reads `bytes` of weights once. */
export interface StreamWorkload extends Workload {
  readonly bytes: number;
}

/** What a device signature is measured with: made for one runtime and execution provider, at shapes of no model's own. */
export interface SignatureProbes {
  /** Undefined for a class, or a size of it, that has no generator. */
  kernel(kernel: KernelClass, size: WorkloadSize): Promise<KernelWorkload | undefined>;
  elements(): Promise<readonly ElementWorkload[]>;
  copy(bytes: number): Promise<CopyWorkload>;
  stream(bytes: number): Promise<StreamWorkload>;
}
