import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { chainShape, createBalanceProbes } from "./balance.ts";

describe("chainShape", () => {
  it.each([
    [64 << 20, { width: 1024, layers: 16 }],
    [20 << 20, { width: 1024, layers: 5 }],
    [4 << 20, { width: 512, layers: 4 }],
    [1, { width: 256, layers: 4 }],
    [Number.POSITIVE_INFINITY, { width: 1024, layers: 24 }],
  ])("%d bytes", (bytes, shape) => {
    expect(chainShape(bytes)).toEqual(shape);
  });
});

it("reads known bytes and does known FLOPs on a real session", async () => {
  const outputs: Float32Array[] = [];
  const probes = await createBalanceProbes({
    Tensor,
    workingSetBytes: 1 << 20,
    createSession: async (model) => {
      const session = await InferenceSession.create(model, { executionProviders: ["cpu"] });
      return {
        release: () => session.release(),
        run: async (feeds) => {
          const { y } = await session.run(feeds);
          outputs.push(y?.data as Float32Array);
        },
      };
    },
  });
  try {
    expect(probes.bandwidth).toMatchObject({ positions: 1, amount: 1 << 20 });
    expect(probes.compute).toMatchObject({ positions: 256, amount: 2 * 256 * (1 << 18) });
    await probes.bandwidth.probe.run(1);
    await probes.compute.probe.run(256);
    // One row comes back, whatever n is; its values stay where arithmetic is fast.
    expect(outputs.map((output) => output.length)).toEqual([256, 256]);
    for (const output of outputs) expect(output.every((value) => value !== 0 && Math.abs(value) < 100)).toBe(true);
  } finally {
    await probes.release();
  }
});
