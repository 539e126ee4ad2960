import type { KernelClass } from "@nearfree/core/principle";
import { FLOAT_BYTES } from "./probe-session.ts";

/**
 * Bytes of operands of the three sizes. Caches of servers reach far: half of what the largest ones hold still comes out of them at
 * 96 MB. Quantised weights are never that many, and at every byte of theirs more is computed.
 */
const TARGET_BYTES = { small: 2 << 20, inside: 20 << 20, beyond: 256 << 20 } as const;
const QUANTISED_BYTES = { small: 2 << 20, inside: 8 << 20, beyond: 96 << 20 } as const;

/** Bytes of weights that a chain of this class and size should have. */
export function targetBytes({ weight }: KernelClass, size: "small" | "inside" | "beyond"): number {
  return (weight === "float32" ? TARGET_BYTES : QUANTISED_BYTES)[size];
}

/** Stored bytes of a weight, scales of the blocks included. */
export function bytesPerWeight({ weight, operator }: KernelClass): number {
  const scales = operator === "MatMulNBits" || operator === "QMoE" ? 1 / 8 : 0;
  return (weight === "int4" ? 0.5 : weight === "int8" ? 1 : FLOAT_BYTES) + scales;
}
