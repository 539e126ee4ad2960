import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SAMPLE_EXPERTS, sampleKernel, sampleSignature, sampleSummary } from "../testing/sample-signature.ts";
import type { DeviceSignature } from "./device-signature.ts";
import { predict } from "./predict.ts";
import { summaryIn } from "./summary-in.ts";

const CELL = { contextLength: 1_000, batch: 1 };

function withSpeeds(bandwidth: number, flops: number): DeviceSignature {
  const signature = sampleSignature();
  return {
    ...signature,
    kernels: signature.kernels.map((kernel) => ({
      ...kernel,
      bytesPerSecond: { inside: 4 * bandwidth, beyond: bandwidth },
      flopsPerSecond: flops,
      overlap: 2,
    })),
  };
}

describe("predict", () => {
  it("counts in milliseconds, bytes and FLOPs: every term by hand", () => {
    const { modules, costMs } = predict(sampleSummary(), sampleSignature(), CELL);
    const part = (name: string) => modules.find((module) => module.name.startsWith(name))!;
    // 1e8 bytes at 1e10 a second; 5e7 FLOPs a row, 6 rows computed, at 1e11 a second.
    expect(part("dense-ffn").bandwidthMs[0]).toBeCloseTo(10, 9);
    expect(part("dense-ffn").computeMs[0]).toBeCloseTo(3, 9);
    expect(part("dense-ffn").computeMs[6]).toBeCloseTo(6, 9);
    // 4,096 bytes for each of 1,000 positions and 64 of room in the cache; 2,048 FLOPs for each of 1,001.
    expect(part("attention").bandwidthMs[0]).toBeCloseTo((4096 * 1_064) / 1e7, 9);
    expect(part("attention").computeMs[0]).toBeCloseTo((2048 * 1_001) / 1e8, 9);
    // 40 nodes at 1 us and 10,000 elements at 1 ns; the run and 4,000 bytes of logits at 0.1 ms a megabyte.
    expect(part("other").costMs[1]).toBeCloseTo(0.04 + 2 * 0.01, 9);
    expect(part("host").costMs[1]).toBeCloseTo(0.05 + 0.0008, 9);
    expect(costMs[0]).toBeCloseTo(
      modules.reduce((sum, module) => sum + module.costMs[0]!, 0),
      9,
    );
  });

  it("finds the last n of the first stair, and what ends it", () => {
    const dense = sampleSummary(sampleSummary().modules.slice(0, 1));
    const signature = sampleSignature({ host: { runMs: 0, copies: [{ bytes: 1, ms: 0 }] } });
    const { boundaries, idleCompute } = predict(dense, signature, CELL, { epsilons: [0.1, 0.5] });
    expect(boundaries[0]).toEqual({
      epsilon: 0.1,
      prefixFree: 6,
      limit: { module: "dense-ffn MatMul float32", mechanism: "granularity-slack" },
    });
    // 13 ms for one row: as many rows of 0.5 ms at the peak.
    expect(idleCompute).toBe(26);
    expect(boundaries[1]!.prefixFree).toBeGreaterThan(boundaries[0]!.prefixFree);
  });

  it("names experts where they are what grows, and believes measured routing", () => {
    const summary = sampleSummary([SAMPLE_EXPERTS]);
    const even = predict(summary, sampleSignature(), CELL);
    expect(even.boundaries[0]!.limit?.mechanism).toBe("expert-activation");
    const always = predict(summary, sampleSignature(), CELL, { uniqueExperts: new Array<number>(64).fill(2) });
    expect(always.costMs[7]!).toBeLessThan(even.costMs[7]!);
    expect(always.costMs[0]!).toBeCloseTo(even.costMs[0]!, 9);
    // Two experts take all rows, six at one cost.
    expect(always.boundaries[0]).toMatchObject({ prefixFree: 6, limit: { mechanism: "granularity-slack" } });
  });

  it("names the KV cache at a long context", () => {
    const { boundaries } = predict(sampleSummary(), sampleSignature(), { contextLength: 1_000_000, batch: 1 });
    expect(boundaries[0]!.limit?.mechanism).toBe("kv-traffic");
  });

  it("prices a rewritten cache by its own class, read once with its room", () => {
    const summary = summaryIn(sampleSummary(), "lean");
    const kernel = { operator: "GroupQueryAttention", activation: "float32", cache: "lean" } as const;
    const signature = sampleSignature({ kernels: [...sampleSignature().kernels, sampleKernel({ kernel })] });
    const { modules, assumed } = predict(summary, signature, CELL);
    const attention = modules.find(({ kind }) => kind === "attention")!;
    expect(assumed).toEqual([]);
    expect(attention.name).toBe("attention GroupQueryAttention float32 lean");
    // A context of 1,000 and the widest forward need nine chunks of 128 positions.
    expect(attention.bandwidthMs[0]).toBeCloseTo((4096 * 1_153) / 1e7, 9);
    expect(attention.computeMs[1]).toBeCloseTo((2048 * 1_154 * 6) / 1e8, 9);
    // Without it, the class of the original graph has to stand in.
    expect(predict(summary, sampleSignature(), CELL).assumed).toEqual([
      "attention GroupQueryAttention float32 lean: no such class in the signature, taken for GroupQueryAttention float32",
    ]);
  });

  it("says what it had to assume", () => {
    const lacking = sampleSignature({ kernels: [sampleKernel()] });
    expect(predict(sampleSummary(), lacking, CELL).assumed).toEqual([
      "attention GroupQueryAttention float32: no such class in the signature, counted as free",
    ]);
    const integer = { operator: "MatMulInteger", activation: "uint8", weight: "int8" };
    const other = sampleSummary([{ ...sampleSummary().modules[0]!, kernel: integer }]);
    expect(predict(other, lacking, CELL).assumed[0]).toContain("taken for MatMul float32 float32");
  });

  it("is never dearer on a device with more bandwidth or more FLOP/s", () => {
    const summary = sampleSummary([...sampleSummary().modules, SAMPLE_EXPERTS]);
    const speed = fc.double({ min: 1e9, max: 1e13, noNaN: true });
    const gain = fc.double({ min: 1, max: 100, noNaN: true });
    fc.assert(
      fc.property(speed, speed, gain, gain, (bandwidth, flops, moreBandwidth, moreFlops) => {
        const slow = predict(summary, withSpeeds(bandwidth, flops), CELL, { maxPositions: 16 });
        const fast = predict(summary, withSpeeds(bandwidth * moreBandwidth, flops * moreFlops), CELL, {
          maxPositions: 16,
        });
        return fast.costMs.every((ms, i) => ms <= slow.costMs[i]! * (1 + 1e-9));
      }),
      { numRuns: 30 },
    );
  });
});
