import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sampleKey } from "../testing/sample-profile.ts";
import { advise, bestPositions } from "./advise.ts";
import { parseSignature } from "./device-signature.ts";
import type { GraphSummary, ModuleSummary } from "./graph-summary.ts";
import { PUBLISHED_DEVICES } from "./published-devices.ts";
import { cautiousSignature, publishedSignature } from "./stand-in-signature.ts";
import { summaryIn } from "./summary-in.ts";
import { withActiveExperts, withExperts, withThreads, withWeights } from "./what-if.ts";

const WEIGHTS = 3 * 1024 * 4096;

function moduleOf(parts: Partial<ModuleSummary>): ModuleSummary {
  return {
    name: "/layers.0/mlp",
    kind: "dense-ffn",
    kernel: { operator: "MatMul", activation: "float32", weight: "float32" },
    nodes: 3,
    weightBytes: 4 * WEIGHTS,
    flopsPerPosition: 2 * WEIGHTS,
    kvBytesPerPosition: 0,
    flopsPerContextPosition: 0,
    looseNodes: 0,
    elementsPerPosition: 0,
    ...parts,
  };
}

function summaryOf(...modules: ModuleSummary[]): GraphSummary {
  const total = (pick: (module: ModuleSummary) => number) => modules.reduce((sum, module) => sum + pick(module), 0);
  return {
    modules,
    layers: 1,
    headDim: 64,
    vocabularySize: 1000,
    weightBytes: total(({ weightBytes }) => weightBytes),
    flopsPerPosition: total(({ flopsPerPosition }) => flopsPerPosition),
    kvBytesPerPosition: total(({ kvBytesPerPosition }) => kvBytesPerPosition),
    unresolved: [],
    structureHash: "0".repeat(64),
  };
}

const attention = moduleOf({
  kind: "attention",
  kernel: { operator: "GroupQueryAttention", activation: "float32" },
  nodes: 1,
  weightBytes: 0,
  flopsPerPosition: 0,
  kvBytesPerPosition: 2 * 8 * 64 * 4,
  flopsPerContextPosition: 4 * 16 * 64,
});
const experts = moduleOf({
  kind: "moe-ffn",
  kernel: { operator: "MoE", activation: "float32", weight: "float32" },
  nodes: 1,
  weightBytes: 8 * 4 * WEIGHTS,
  flopsPerPosition: 2 * 2 * WEIGHTS,
  experts: { count: 8, active: 2 },
});
const router = moduleOf({ kind: "moe-ffn", nodes: 1, weightBytes: 4 * 1024 * 8, flopsPerPosition: 2 * 1024 * 8 });
const DENSE = summaryOf(moduleOf({}), attention);
const MIXTURE = summaryOf(attention, router, experts);
const CELL = { contextLength: 256, batch: 1 };
const { environment } = sampleKey();

describe("a changed summary", () => {
  it("in other weights: the same FLOPs, the bytes of the format, norms and attention untouched", () => {
    const int4 = withWeights(DENSE, "int4");
    expect(int4.modules[0]).toMatchObject({
      kernel: { operator: "MatMulNBits", activation: "float32", weight: "int4", accuracyLevel: 4 },
      weightBytes: 0.625 * WEIGHTS,
      flopsPerPosition: 2 * WEIGHTS,
    });
    expect(int4.modules[1]).toEqual(attention);
    expect(int4.weightBytes).toBe(0.625 * WEIGHTS);
    expect(withWeights(int4, "fp32")).toEqual(DENSE);
    const mixture = withWeights(MIXTURE, "int4");
    expect(mixture.modules[1]).toEqual(router);
    expect(mixture.modules[2]).toMatchObject({
      kernel: { operator: "QMoE", weight: "int4" },
      weightBytes: 5 * WEIGHTS,
    });
  });

  it("with other experts: FLOPs go with the active, bytes and router with the count", () => {
    expect(withActiveExperts(MIXTURE, 4).modules[2]).toMatchObject({
      experts: { count: 8, active: 4 },
      flopsPerPosition: 2 * experts.flopsPerPosition,
      weightBytes: experts.weightBytes,
    });
    const twice = withExperts(MIXTURE, 16).modules;
    expect(twice[1]).toMatchObject({
      weightBytes: 2 * router.weightBytes,
      flopsPerPosition: 2 * router.flopsPerPosition,
    });
    expect(twice[2]).toMatchObject({ experts: { count: 16, active: 2 }, weightBytes: 2 * experts.weightBytes });
    expect(twice[2]!.flopsPerPosition).toBe(experts.flopsPerPosition);
  });

  it("with other threads scales arithmetic and cache, not memory", () => {
    const signature = cautiousSignature(environment, DENSE);
    const more = withThreads(signature, 4 * environment.threads);
    expect(more.kernels[0]!.flopsPerSecond).toBe(4 * signature.kernels[0]!.flopsPerSecond);
    expect(more.kernels[0]!.bytesPerSecond.beyond).toBe(signature.kernels[0]!.bytesPerSecond.beyond);
  });
});

describe("bestPositions", () => {
  it("weighs expected tokens against time", () => {
    // E(n) at 0.5: 1, 1.5, 1.75.
    expect(bestPositions([10, 12, 20], 0.5)).toEqual({ positions: 2, tokensPerSecond: 125 });
    expect(bestPositions([10, 20], 0.5)).toEqual({ positions: 1, tokensPerSecond: 100 });
    expect(bestPositions([10, 10, 10], 0).positions).toBe(1);
  });

  it("never falls with acceptance, and is never below one position", () => {
    const costs = fc.array(fc.double({ min: 0.01, max: 100, noNaN: true }), { minLength: 1, maxLength: 32 });
    const share = fc.double({ min: 0, max: 0.99, noNaN: true });
    fc.assert(
      fc.property(costs, share, share, (costMs, a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)].map((p) => bestPositions(costMs, p).tokensPerSecond);
        expect(high!).toBeGreaterThanOrEqual(low! * (1 - 1e-12));
        expect(low!).toBeGreaterThanOrEqual((1_000 / costMs[0]!) * (1 - 1e-12));
      }),
    );
  });
});

describe("advise", () => {
  it("compares the model as it is with every change that it allows", () => {
    const changes = advise(MIXTURE, cautiousSignature({ ...environment, threads: 2 }, MIXTURE), CELL).map(
      ({ change }) => change,
    );
    expect(changes).toEqual([
      "as it is",
      "weights in fp32",
      "weights in int8",
      "weights in int4",
      "top-1 experts",
      "top-4 experts",
      "4 experts a layer",
      "16 experts a layer",
      "KV cache lean",
      "context 64",
      "context 1024",
      "context 4096",
      "1 thread",
      "4 threads",
    ]);
  });

  it("a smaller format makes one position faster and leaves fewer free; more context slows down", () => {
    const advice = advise(DENSE, cautiousSignature({ ...environment, threads: 2 }, DENSE), CELL);
    const of = (name: string) => advice.find(({ change }) => change === name)!;
    expect(of("weights in int4").plainTokensPerSecond).toBeGreaterThan(of("as it is").plainTokensPerSecond);
    expect(of("weights in int4").idleCompute).toBeLessThan(of("as it is").idleCompute);
    expect(of("context 4096").plainTokensPerSecond).toBeLessThan(of("as it is").plainTokensPerSecond);
    expect(of("as it is").assumed).toEqual([]);
    expect(of("4 threads").assumed).toHaveLength(1);
  });

  it("knows what a rewritten graph would gain where the signature knows its attention", () => {
    const signature = cautiousSignature({ ...environment, executionProvider: "cpu" }, DENSE);
    const [now, lean] = ["as it is", "KV cache lean"].map((name) =>
      advise(DENSE, signature, { contextLength: 4_032, batch: 1 }).find(({ change }) => change === name),
    );
    expect(lean!.plainTokensPerSecond).toBeGreaterThan(now!.plainTokensPerSecond);
    expect(lean!.assumed).toEqual([]);
    const changesOf = (kernels: typeof signature.kernels, summary = DENSE) =>
      advise(summary, { ...signature, kernels }, CELL).flatMap(({ change }) => (/cache/.test(change) ? change : []));
    expect(changesOf(signature.kernels.filter(({ kernel }) => kernel.cache === undefined))).toEqual([]);
    const rows = signature.kernels.map((each) => ({ ...each, kernel: { ...each.kernel, cache: "rows" as const } }));
    expect(changesOf([...signature.kernels, ...rows])).toEqual(["KV cache rows", "KV cache lean"]);
    // One that is rewritten already is left alone.
    expect(changesOf(signature.kernels, summaryIn(DENSE, "lean"))).toEqual([]);
  });

  it("takes a measured signature for other threads where there is one", () => {
    const signature = cautiousSignature({ ...environment, threads: 2 }, DENSE);
    const other = cautiousSignature({ ...environment, threads: 4 }, DENSE);
    const advice = advise(DENSE, signature, CELL, { otherThreads: [other] });
    expect(advice.find(({ change }) => change === "4 threads")!.assumed).toEqual([]);
  });
});

describe("a signature that stands in", () => {
  it("is a whole signature, for every published device, and has no class missing for any other format", () => {
    for (const device of Object.values(PUBLISHED_DEVICES)) {
      for (const summary of [DENSE, MIXTURE]) {
        const signature = publishedSignature(device, summary);
        expect(parseSignature(signature)).toEqual(signature);
        expect(advise(summary, signature, CELL).flatMap(({ assumed }) => assumed)).toEqual([]);
      }
    }
    const cautious = cautiousSignature(environment, MIXTURE);
    expect(parseSignature(cautious)).toEqual(cautious);
  });

  it("published: balance alone, so that idle compute is what the data sheet gives", () => {
    const { flopsPerSecond, bytesPerSecond } = PUBLISHED_DEVICES["a100-80gb"];
    const [advice] = advise(summaryOf(moduleOf({})), publishedSignature(PUBLISHED_DEVICES["a100-80gb"], DENSE), CELL);
    expect(advice!.idleCompute).toBe(Math.floor((flopsPerSecond.float32 / bytesPerSecond) * 2));
    expect(advice!.plainTokensPerSecond).toBeCloseTo(bytesPerSecond / (4 * WEIGHTS), 0);
  });
});
