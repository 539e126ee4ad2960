import { KernelModel, type KernelSignature, tableAt } from "@nearfree/core";

/** A workload of the signature at one position: what one call works on, and what it costs now. */
export interface ReferenceCall {
  readonly bytes: number;
  readonly flops: number;
  readonly channels: number;
  readonly headDim?: number | undefined;
  readonly ms: number;
}

export interface KernelReferences {
  /** A call whose operands come out of the cache, and one whose operands come from beyond it. */
  readonly inside: ReferenceCall;
  readonly beyond?: ReferenceCall | undefined;
}

const MS = 1_000;

/**
 * The class on the same machine at another time of day: every rate and constant moves by what `inside` costs now over what the
 * signature says, and the bandwidth beyond the cache by what is then left of `beyond`. Rows, overlap and correction stay: they say how
 * the kernel works, not how fast the machine is.
 *
 * `trust`: how much of the way (by the logarithm) is gone. Half of it is the mean of both sittings, which errs less than either where they
 * are equally good.
 */
export function rescaleKernel(
  signature: KernelSignature,
  { inside, beyond }: KernelReferences,
  trust = 1,
): KernelSignature {
  const slowdown = (inside.ms / callMs(signature, inside, 0)) ** trust;
  const { bytesPerSecond, correction, overlap } = signature;
  const scaled: KernelSignature = {
    ...signature,
    nodeMs: signature.nodeMs * slowdown,
    channelMs: signature.channelMs * slowdown,
    flopsPerSecond: signature.flopsPerSecond / slowdown,
    bytesPerSecond: { inside: bytesPerSecond.inside / slowdown, beyond: bytesPerSecond.beyond / slowdown },
  };
  if (beyond === undefined) return scaled;
  const model = new KernelModel(scaled, 1);
  const constantMs = model.nodeMs + beyond.channels * model.channelMs;
  const said = callMs(signature, beyond, 1);
  const products =
    Math.max(0, said * (beyond.ms / said) ** trust - constantMs) /
    (correction === undefined ? 1 : tableAt(correction, 1));
  const computeMs = model.computeMs(flopsOf(signature, beyond), 1);
  const readingMs = Math.max(0, products ** overlap - computeMs ** overlap) ** (1 / overlap);
  const rate = readingMs > 0 ? (MS * beyond.bytes) / readingMs : Number.POSITIVE_INFINITY;
  // No machine reads faster from beyond its cache than out of it.
  return {
    ...scaled,
    bytesPerSecond: { ...scaled.bytesPerSecond, beyond: Math.min(scaled.bytesPerSecond.inside, rate) },
  };
}

/** What the signature says of a call whose operands come from `beyond` the cache (0 or 1). */
function callMs(signature: KernelSignature, call: ReferenceCall, beyond: number): number {
  const model = new KernelModel(signature, beyond);
  return model.nodeMs + call.channels * model.channelMs + model.overlappedMs(call.bytes, flopsOf(signature, call), 1);
}

/** FLOPs of a call, what scores cost besides their products counted as products. */
function flopsOf({ scoreChannels = 0 }: KernelSignature, { flops, headDim }: ReferenceCall): number {
  return headDim === undefined ? flops : flops * (1 + scoreChannels / headDim);
}
