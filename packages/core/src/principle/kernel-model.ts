import type { DeviceSignature, KernelSignature, SignaturePoint } from "./device-signature.ts";

const MS_PER_SECOND = 1_000;

/** What one kernel class costs where `beyond` (0..1) of its operands come from beyond the last-level cache. */
export class KernelModel {
  readonly nodeMs: number;
  readonly channelMs: number;
  readonly scoreChannels: number;
  readonly #signature: KernelSignature;
  readonly #beyond: number;
  readonly #msPerByte: number;
  readonly #msPerFlop: number;

  constructor(signature: KernelSignature, beyond: number) {
    this.nodeMs = signature.nodeMs;
    this.channelMs = signature.channelMs;
    this.scoreChannels = signature.scoreChannels ?? 0;
    this.#signature = signature;
    this.#beyond = beyond;
    const { bytesPerSecond, flopsPerSecond } = signature;
    this.#msPerByte = MS_PER_SECOND * ((1 - beyond) / bytesPerSecond.inside + beyond / bytesPerSecond.beyond);
    this.#msPerFlop = MS_PER_SECOND / flopsPerSecond;
  }

  /** Ms to read `bytes`. */
  bandwidthMs(bytes: number): number {
    return bytes * this.#msPerByte;
  }

  /** Ms to compute the rows that the kernel computes for `rows`, `flops` each. */
  computeMs(flops: number, rows: number): number {
    return flops * tableAt(this.#signature.rows, rows) * this.#msPerFlop;
  }

  /** Ms of `flops` FLOPs at the peak. */
  peakMs(flops: number): number {
    return flops * this.#msPerFlop;
  }

  /** Both together, as far as they overlap. */
  overlappedMs(bytes: number, flops: number, rows: number): number {
    const { correction } = this.#signature;
    const factor = correction === undefined ? 1 : tableAt(correction, rows) ** this.#beyond;
    return this.#joined(this.bandwidthMs(bytes), this.computeMs(flops, rows)) * factor;
  }

  #joined(bandwidthMs: number, computeMs: number): number {
    const p = this.#signature.overlap;
    if (p === 1) return bandwidthMs + computeMs;
    const larger = Math.max(bandwidthMs, computeMs);
    // Of the ratios, so that no power of a small time loses its digits.
    return larger === 0 ? 0 : larger * ((bandwidthMs / larger) ** p + (computeMs / larger) ** p) ** (1 / p);
  }
}

/** The table's value at `positions`: a straight line between its points, and on along the last two beyond them. */
export function tableAt(table: readonly SignaturePoint[], positions: number): number {
  if (table.length === 1) return table[0]!.value;
  let right = 1;
  while (right < table.length - 1 && table[right]!.positions < positions) right++;
  const a = table[right - 1]!;
  const b = table[right]!;
  const at = Math.max(positions, table[0]!.positions);
  const value = a.value + ((at - a.positions) * (b.value - a.value)) / (b.positions - a.positions);
  return Math.max(value, Number.MIN_VALUE);
}

/** Ms for a tensor of `bytes` to come back to JavaScript: a straight line through the origin and the measured sizes. */
export function copyMs(copies: DeviceSignature["host"]["copies"], bytes: number): number {
  let before = { bytes: 0, ms: 0 };
  let last = before;
  for (const copy of copies) {
    last = before;
    if (copy.bytes >= bytes) {
      return before.ms + ((bytes - before.bytes) * (copy.ms - before.ms)) / (copy.bytes - before.bytes);
    }
    before = copy;
  }
  const slope = (before.ms - last.ms) / (before.bytes - last.bytes);
  return before.ms + Math.max(0, slope) * (bytes - before.bytes);
}
