import type { KernelClass, KernelWorkload, WorkloadSize } from "@nearfree/core/principle";
import { activationTensor } from "./activation-tensor.ts";
import { buildExpertChain } from "./expert-chain.ts";
import { feedProbe, type ProbeRuntime } from "./probe-session.ts";
import { bytesPerWeight, targetBytes } from "./working-set.ts";

const WIDTH = 448;
const INNER = 704;

/** Every thread has one expert at work, and all rows go to it: what an expert costs while the others read too. */
export async function expertWorkload(
  { open, Tensor, threads }: ProbeRuntime,
  kernel: KernelClass,
  size: WorkloadSize,
): Promise<KernelWorkload | undefined> {
  const quantised = kernel.operator === "QMoE";
  // A quantised expert is unpacked at every call, at a cost beside which reading it counts little.
  if (size === "narrow" || size === "small" || (quantised && size === "beyond")) return undefined;
  const weights = 3 * WIDTH * INNER;
  const bytes = weights * bytesPerWeight(kernel);
  const layers = Math.max(2, Math.round(targetBytes(kernel, size) / (bytes * threads)));
  const model = buildExpertChain(kernel, { width: WIDTH, inner: INNER, layers, experts: threads, active: threads });
  if (model === undefined) return undefined;
  const session = await open(model);
  const probe = feedProbe(session, (n) => ({
    x: activationTensor(Tensor, [1, n, WIDTH]),
    scores: new Tensor("float32", new Float32Array(n * threads), [n, threads]),
  }));
  return {
    probe,
    calls: layers,
    bytes: () => bytes,
    flops: () => 2 * weights,
    channels: Math.sqrt(weights),
    release: () => session.release(),
  };
}
