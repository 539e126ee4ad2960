import type { KernelClass, ModuleKind } from "./graph-summary.ts";

/** The parts of a group's cost, [n-1] each. */
export interface Parts {
  readonly bandwidthMs: number[];
  readonly computeMs: number[];
  readonly constantMs: number[];
  readonly costMs: number[];
  /** Of experts: what those that are woken would cost with as few rows each as at n = 1. */
  readonly activationMs?: number[] | undefined;
  /** Ms that one more position's arithmetic takes at the peak. */
  readonly peakMs: number;
}

/** Modules of one kind and class together. */
export interface Group {
  readonly name: string;
  readonly kind: ModuleKind | "host";
  readonly kernel?: KernelClass | undefined;
  readonly parts: Parts;
}

/** Of what neither reads operands nor computes products. */
export function constantParts(constantMs: number[]): Parts {
  const none = constantMs.map(() => 0);
  return { bandwidthMs: none, computeMs: none, constantMs, costMs: constantMs, peakMs: 0 };
}

export function merge(parts: readonly Parts[], length: number): Parts {
  const sum = (pick: (part: Parts) => readonly number[]) => sumOf(parts.map(pick), length);
  return {
    bandwidthMs: sum((part) => part.bandwidthMs),
    computeMs: sum((part) => part.computeMs),
    constantMs: sum((part) => part.constantMs),
    costMs: sum((part) => part.costMs),
    ...(parts.some((part) => part.activationMs) && { activationMs: sum((part) => part.activationMs ?? part.costMs) }),
    peakMs: parts.reduce((total, part) => total + part.peakMs, 0),
  };
}

/** The sum of curves, [n-1]. */
export function sumOf(curves: readonly (readonly number[])[], length: number): number[] {
  return Array.from({ length }, (_, i) => curves.reduce((sum, curve) => sum + curve[i]!, 0));
}

/** Positions whose arithmetic at the peak fits into the time that the kernels take for one: idle compute, nothing else. */
export function idleOf(parts: readonly Parts[]): number {
  const peakMs = parts.reduce((sum, part) => sum + part.peakMs, 0);
  if (peakMs === 0) return Number.POSITIVE_INFINITY;
  const busyMs = parts.reduce((sum, part) => sum + (part.peakMs > 0 ? part.costMs[0]! - part.constantMs[0]! : 0), 0);
  return Math.max(1, Math.floor(busyMs / peakMs));
}
