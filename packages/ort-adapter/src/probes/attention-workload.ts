import type { KernelClass, KernelWorkload, WorkloadSize } from "@nearfree/core/principle";
import { type AttentionChainShape, buildAttentionChain } from "./attention-chain.ts";
import { attentionProbe, createAttentionFeeds } from "./attention-feeds.ts";
import { FLOAT_BYTES, MAX_POSITIONS, type ProbeRuntime } from "./probe-session.ts";

const SHAPES: Readonly<Record<WorkloadSize, AttentionChainShape & { readonly context: number }>> = {
  small: { layers: 4, heads: 6, kvHeads: 2, headDim: 64, context: 24 },
  inside: { layers: 6, heads: 6, kvHeads: 2, headDim: 64, context: 720 },
  narrow: { layers: 6, heads: 12, kvHeads: 4, headDim: 32, context: 720 },
  beyond: { layers: 12, heads: 12, kvHeads: 4, headDim: 64, context: 1440 },
};

/** Attentions over caches of their own, one behind the other. Undefined for a class without a generator. */
export async function attentionWorkload(
  { open, Tensor, inPlaceCache }: ProbeRuntime,
  kernel: KernelClass,
  size: WorkloadSize,
): Promise<KernelWorkload | undefined> {
  const { context, ...shape } = SHAPES[size];
  const model = buildAttentionChain(kernel, shape);
  if (model === undefined) return undefined;
  const session = await open(model);
  const inPlace = inPlaceCache && kernel.operator === "GroupQueryAttention";
  const feeds = createAttentionFeeds(session.inputNames, { ...shape, context, inPlace, Tensor });
  const { heads, kvHeads, headDim } = shape;
  return {
    probe: attentionProbe(session, feeds),
    calls: shape.layers,
    // In place the whole cache comes back, its unused room included.
    bytes: (n) => 2 * kvHeads * headDim * FLOAT_BYTES * (context + (inPlace ? MAX_POSITIONS : n)),
    flops: (n) => 4 * heads * headDim * (context + n),
    channels: heads * headDim,
    headDim,
    release: () => session.release(),
  };
}
