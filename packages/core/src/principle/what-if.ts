import type { DeviceSignature } from "./device-signature.ts";
import type { GraphSummary, KernelClass, ModuleSummary } from "./graph-summary.ts";

/** How the weights of products could be stored. */
export const WEIGHT_FORMATS = ["fp32", "int8", "int4"] as const;
export type WeightFormatName = (typeof WEIGHT_FORMATS)[number];

/** Bytes of a weight with its share of scales: int4 in blocks of 32 with an fp32 scale each; int8 with one for each output, which is left out. */
const BYTES_PER_WEIGHT: Readonly<Record<WeightFormatName, number>> = { fp32: 4, int8: 1, int4: 0.5 + 4 / 32 };

/** The model with the weights of its products and experts stored another way; routers, norms and the embedding stay. */
export function withWeights(summary: GraphSummary, format: WeightFormatName): GraphSummary {
  return changed(summary, (module) => {
    const weights = weightsOf(module);
    if (weights === 0 || (module.kind === "moe-ffn" && module.experts === undefined)) return module;
    return { ...module, kernel: kernelFor(module, format), weightBytes: weights * BYTES_PER_WEIGHT[format] };
  });
}

/** The model with `active` experts for each position instead of its own number. */
export function withActiveExperts(summary: GraphSummary, active: number): GraphSummary {
  return changed(summary, (module) => {
    if (module.experts === undefined) return module;
    const { count, active: now } = module.experts;
    return { ...module, experts: { count, active }, flopsPerPosition: (module.flopsPerPosition * active) / now };
  });
}

/** The model with `count` experts of the same size in each layer; its router grows with them. */
export function withExperts(summary: GraphSummary, count: number): GraphSummary {
  const before = summary.modules.find(({ experts }) => experts !== undefined)?.experts?.count ?? count;
  return changed(summary, (module) => {
    if (module.kind !== "moe-ffn") return module;
    const weightBytes = (module.weightBytes * count) / before;
    if (module.experts !== undefined) return { ...module, weightBytes, experts: { ...module.experts, count } };
    return { ...module, weightBytes, flopsPerPosition: (module.flopsPerPosition * count) / before };
  });
}

/**
 * The device with another number of threads: arithmetic, reads from the cache and element-wise work scale with it, memory does
 * not. From above for more threads than memory can feed, and no statement on how many cores there are.
 */
export function withThreads(signature: DeviceSignature, threads: number): DeviceSignature {
  const factor = threads / signature.environment.threads;
  const { nodeMs, elementMs } = signature.elementWise;
  return {
    ...signature,
    environment: { ...signature.environment, threads },
    kernels: signature.kernels.map((kernel) => ({
      ...kernel,
      flopsPerSecond: kernel.flopsPerSecond * factor,
      bytesPerSecond: { ...kernel.bytesPerSecond, inside: kernel.bytesPerSecond.inside * factor },
    })),
    elementWise: { nodeMs, elementMs: elementMs / factor },
  };
}

/** Weights of a module's products; of all experts, since each position's FLOPs are those of the active ones. */
function weightsOf({ flopsPerPosition, experts }: ModuleSummary): number {
  const weights = flopsPerPosition / 2;
  return experts === undefined ? weights : (weights * experts.count) / experts.active;
}

/** The class that runs such weights: what this project's own builder writes for them. */
function kernelFor({ kernel, experts }: ModuleSummary, format: WeightFormatName): KernelClass {
  const activation = kernel.activation === "float16" ? "float16" : "float32";
  if (experts !== undefined) {
    const weight = format === "fp32" ? activation : format;
    return { operator: format === "fp32" ? "MoE" : "QMoE", activation, weight };
  }
  switch (format) {
    case "fp32":
      return { operator: "MatMul", activation, weight: activation };
    case "int8":
      return { operator: "MatMulInteger", activation: "uint8", weight: "int8" };
    case "int4":
      return { operator: "MatMulNBits", activation, weight: "int4", accuracyLevel: 4 };
  }
}

/** Changes modules, and sums them up again. */
function changed(summary: GraphSummary, change: (module: ModuleSummary) => ModuleSummary): GraphSummary {
  const modules = summary.modules.map(change);
  const total = (pick: (module: ModuleSummary) => number) => modules.reduce((sum, module) => sum + pick(module), 0);
  return {
    ...summary,
    modules,
    weightBytes: total(({ weightBytes }) => weightBytes),
    flopsPerPosition: total(({ flopsPerPosition }) => flopsPerPosition),
  };
}
