import type { KernelClass, KernelWorkload, WorkloadSize } from "@nearfree/core/principle";
import { activationTensor } from "./activation-tensor.ts";
import { buildLinearChain } from "./linear-chain.ts";
import { feedProbe, type ProbeRuntime } from "./probe-session.ts";
import { bytesPerWeight, targetBytes } from "./working-set.ts";

/** Widths that no common decoder has, multiples of 64 so that no kernel has columns left over. */
export const LINEAR_WIDTHS = { small: 320, inside: 832, beyond: 832 } as const;
const MIN_CALLS = 4;

/** Square products, one behind the other. Undefined for a class without a generator. */
export async function linearWorkload(
  { open, Tensor }: ProbeRuntime,
  kernel: KernelClass,
  size: WorkloadSize,
): Promise<KernelWorkload | undefined> {
  if (size === "narrow") return undefined;
  const width = LINEAR_WIDTHS[size];
  const bytes = width * width * bytesPerWeight(kernel);
  const layers = Math.max(MIN_CALLS, Math.round(targetBytes(kernel, size) / bytes));
  const model = buildLinearChain(kernel, { width, layers });
  if (model === undefined) return undefined;
  const session = await open(model);
  const flops = 2 * width * width;
  return {
    probe: feedProbe(session, (n) => ({ x: activationTensor(Tensor, [1, n, width]) })),
    calls: layers,
    bytes: () => bytes,
    flops: () => flops,
    channels: width,
    release: () => session.release(),
  };
}
