import type { DeviceSignature, KernelSignature } from "../principle/device-signature.ts";
import type { GraphSummary, ModuleSummary } from "../principle/graph-summary.ts";

const DENSE = { operator: "MatMul", activation: "float32", weight: "float32" } as const;
const ATTENTION = { operator: "GroupQueryAttention", activation: "float32" } as const;
const EXPERTS = { operator: "MoE", activation: "float32", weight: "float32" } as const;

/** Passes of six rows, additive, 10 GB/s and 100 GFLOP/s: round figures, so that milliseconds can be counted by hand. */
export function sampleKernel(overrides: Partial<KernelSignature> = {}): KernelSignature {
  return {
    kernel: DENSE,
    bytesPerSecond: { inside: 40e9, beyond: 10e9 },
    flopsPerSecond: 100e9,
    rows: [
      { positions: 1, value: 6 },
      { positions: 6, value: 6 },
      { positions: 7, value: 12 },
      { positions: 12, value: 12 },
      { positions: 24, value: 24 },
    ],
    overlap: 1,
    nodeMs: 0,
    channelMs: 0,
    ...overrides,
  };
}

/** A signature of three classes: dense, attention, experts. */
export function sampleSignature(overrides: Partial<DeviceSignature> = {}): DeviceSignature {
  return {
    version: 1,
    environment: {
      runtime: "onnxruntime-node",
      runtimeVersion: "1.30.0",
      executionProvider: "cpu",
      options: {},
      threads: 1,
      graphOptimizationLevel: "all",
      device: { cpu: "sample" },
    },
    origin: "measured",
    measuredAt: "2026-01-01T00:00:00.000Z",
    method: 1,
    cache: { insideBytes: 1e6, beyondBytes: 1e7 },
    kernels: [
      sampleKernel(),
      sampleKernel({
        kernel: ATTENTION,
        rows: [
          { positions: 1, value: 1 },
          { positions: 2, value: 2 },
        ],
      }),
      sampleKernel({ kernel: EXPERTS }),
    ],
    elementWise: { nodeMs: 0.001, elementMs: 1e-6 },
    host: { runMs: 0.05, copies: [{ bytes: 1e6, ms: 0.1 }] },
    run: { forwards: 1, ms: 1 },
    ...overrides,
  };
}

const NOTHING = {
  nodes: 1,
  weightBytes: 0,
  flopsPerPosition: 0,
  kvBytesPerPosition: 0,
  flopsPerContextPosition: 0,
  looseNodes: 0,
  elementsPerPosition: 0,
};

/** 100 MB of dense weights, one attention of 8 heads of 64 with as many of the cache, and 40 nodes between. */
export function sampleSummary(modules?: readonly ModuleSummary[]): GraphSummary {
  const all = modules ?? [
    { ...NOTHING, name: "mlp", kind: "dense-ffn", kernel: DENSE, weightBytes: 1e8, flopsPerPosition: 5e7 },
    {
      ...NOTHING,
      name: "attn",
      kind: "attention",
      kernel: ATTENTION,
      kvBytesPerPosition: 4096,
      flopsPerContextPosition: 4 * 8 * 64,
    },
    {
      ...NOTHING,
      name: "Mul",
      kind: "other",
      kernel: { operator: "Mul", activation: "float32" },
      looseNodes: 40,
      elementsPerPosition: 10_000,
    },
  ];
  const total = (pick: (module: ModuleSummary) => number) => all.reduce((sum, module) => sum + pick(module), 0);
  return {
    modules: all,
    layers: 1,
    vocabularySize: 1_000,
    kvHeads: 8,
    headDim: 64,
    weightBytes: total(({ weightBytes }) => weightBytes),
    flopsPerPosition: total(({ flopsPerPosition }) => flopsPerPosition),
    kvBytesPerPosition: total(({ kvBytesPerPosition }) => kvBytesPerPosition),
    unresolved: [],
    structureHash: "0".repeat(64),
  };
}

/** A layer of 8 experts, 2 of them for a position: 80 MB. */
export const SAMPLE_EXPERTS: ModuleSummary = {
  ...NOTHING,
  name: "moe",
  kind: "moe-ffn",
  kernel: EXPERTS,
  weightBytes: 8e7,
  flopsPerPosition: 1e7,
  experts: { count: 8, active: 2 },
};
