import {
  cacheWork,
  type KernelClass,
  type KernelWorkload,
  keepingOf,
  type WorkloadSize,
} from "@nearfree/core/principle";
import { type AttentionChainShape, buildAttentionChain } from "./attention-chain.ts";
import { attentionProbe, createAttentionFeeds } from "./attention-feeds.ts";
import { FLOAT_BYTES, type ProbeRuntime } from "./probe-session.ts";

interface AttentionShape extends AttentionChainShape {
  readonly context: number;
}

const SHAPES: Readonly<Record<WorkloadSize, AttentionShape>> = {
  small: { layers: 4, heads: 6, kvHeads: 2, headDim: 64, context: 24 },
  inside: { layers: 6, heads: 6, kvHeads: 2, headDim: 64, context: 720 },
  narrow: { layers: 6, heads: 12, kvHeads: 4, headDim: 32, context: 720 },
  beyond: { layers: 12, heads: 12, kvHeads: 4, headDim: 64, context: 1440 },
};
/** A cache that is read and never copied costs what weights cost: beyond the last-level cache are as many bytes as of those, 96 MB. */
const LEAN_BEYOND: AttentionShape = { ...SHAPES.beyond, context: 1984 };

/** Attentions over caches of their own, one behind the other. Undefined for a class without a generator. */
export async function attentionWorkload(
  { open, Tensor, inPlaceCache }: ProbeRuntime,
  kernel: KernelClass,
  size: WorkloadSize,
): Promise<KernelWorkload | undefined> {
  const { context, ...shape } = size === "beyond" && kernel.cache === "lean" ? LEAN_BEYOND : SHAPES[size];
  const model = buildAttentionChain(kernel, shape);
  if (model === undefined) return undefined;
  const session = await open(model);
  const kept = keepingOf(kernel, inPlaceCache);
  const feeds = createAttentionFeeds(session.inputNames, { ...shape, context, kept, Tensor });
  const { heads, kvHeads, headDim } = shape;
  return {
    probe: attentionProbe(session, feeds),
    calls: shape.layers,
    bytes: (n) => 2 * kvHeads * headDim * FLOAT_BYTES * cacheWork(kept, context, n).read,
    flops: (n) => 4 * heads * headDim * cacheWork(kept, context, n).scored,
    channels: heads * headDim,
    headDim,
    release: () => session.release(),
  };
}
