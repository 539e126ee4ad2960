import type { KernelClass } from "@nearfree/core/principle";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { createSignatureProbes } from "./signature-probes.ts";

const float = { activation: "float32" };
const CLASSES: readonly [string, KernelClass][] = [
  ["MatMul", { operator: "MatMul", ...float, weight: "float32" }],
  ["Gemm", { operator: "Gemm", ...float, weight: "float32" }],
  ["MatMulNBits 4", { operator: "MatMulNBits", ...float, weight: "int4", accuracyLevel: 4 }],
  ["MatMulNBits 0", { operator: "MatMulNBits", ...float, weight: "int4", accuracyLevel: 0 }],
  ["MatMulInteger", { operator: "MatMulInteger", activation: "uint8", weight: "int8" }],
  ["GroupQueryAttention", { operator: "GroupQueryAttention", ...float }],
  ["decomposed attention", { operator: "MatMul", ...float }],
  ["GroupQueryAttention, lean", { operator: "GroupQueryAttention", ...float, cache: "lean" }],
  ["GroupQueryAttention, rows", { operator: "GroupQueryAttention", ...float, cache: "rows" }],
  ["decomposed attention, lean", { operator: "MatMul", ...float, cache: "lean" }],
  ["decomposed attention, rows", { operator: "MatMul", ...float, cache: "rows" }],
];
const EXPERTS: readonly [string, KernelClass][] = [
  ["MoE", { operator: "MoE", ...float, weight: "float32" }],
  ["QMoE", { operator: "QMoE", ...float, weight: "int4" }],
];

const outputs: Float32Array[] = [];
/** Names and dimensions of what each run gave. */
const fetched: (readonly [string, readonly number[]])[][] = [];
const probes = createSignatureProbes({
  Tensor,
  threads: 1,
  inPlaceCache: true,
  createSession: async (model) => {
    const session = await InferenceSession.create(model, { intraOpNumThreads: 1, logSeverityLevel: 3 });
    return {
      inputNames: session.inputNames,
      release: () => session.release(),
      run: async (...args: Parameters<InferenceSession["run"]>) => {
        const results = await session.run(...args);
        const { y } = results;
        fetched.push(Object.entries(results).map(([name, { dims }]) => [name, dims] as const));
        if (y !== undefined) outputs.push(y.data as Float32Array);
        return results;
      },
    } as InferenceSession;
  },
});

/** Runs 1 and 5 positions: one row comes back each time, and its numbers are numbers. */
async function checkRuns(workload: Awaited<ReturnType<typeof probes.kernel>>): Promise<void> {
  outputs.length = 0;
  try {
    for (const n of [1, 5]) {
      await workload!.probe.prepare(n);
      await workload!.probe.run(n);
    }
  } finally {
    await workload!.release();
  }
  expect(outputs).toHaveLength(2);
  expect(outputs[0]!.length).toBe(outputs[1]!.length);
  for (const output of outputs) expect(output.every((value) => Number.isFinite(value))).toBe(true);
}

describe("createSignatureProbes on real sessions", () => {
  it.each(CLASSES)("%s: small", async (_name, kernel) => {
    await checkRuns(await probes.kernel(kernel, "small"));
  });

  it.each(EXPERTS)("%s: inside", async (_name, kernel) => {
    await checkRuns(await probes.kernel(kernel, "inside"));
  });

  it("counts the work of a call", async () => {
    const dense = (await probes.kernel(CLASSES[0]![1], "small"))!;
    expect([dense.bytes(1), dense.flops(7), dense.channels]).toEqual([4 * 320 ** 2, 2 * 320 ** 2, 320]);
    await dense.release();
    const attention = (await probes.kernel(CLASSES[5]![1], "small"))!;
    // 24 positions of context, 64 of room in the cache, 2 new ones: keys and values of 2 heads, scores and sums of 6.
    expect([attention.bytes(2), attention.flops(2)]).toEqual([2 * 2 * 64 * 4 * 88, 4 * 6 * 64 * 26]);
    await attention.release();
  });

  it("counts a rewritten graph's cache as it is fed: whole chunks of a lean one, the live positions of rows", async () => {
    const ofCache = async (cache: "rows" | "lean") => {
      const workload = await probes.kernel({ operator: "GroupQueryAttention", ...float, cache }, "small");
      await workload!.release();
      return [workload!.bytes(2), workload!.flops(2)];
    };
    expect(await ofCache("lean")).toEqual([2 * 2 * 64 * 4 * 130, 4 * 6 * 64 * 130]);
    expect(await ofCache("rows")).toEqual([2 * 2 * 64 * 4 * 26, 4 * 6 * 64 * 26]);
  });

  it("lets new rows alone come back from a rewritten graph", async () => {
    const kernel = { operator: "GroupQueryAttention", ...float, cache: "lean" } as const;
    const workload = (await probes.kernel(kernel, "small"))!;
    fetched.length = 0;
    await workload.probe.prepare(3);
    await workload.probe.run(3);
    await workload.release();
    const presents = fetched[0]!.filter(([name]) => name.startsWith("present."));
    expect(presents).toHaveLength(2 * 4);
    for (const [, dims] of presents) expect(dims).toEqual([1, 2, 3, 64]);
  });

  it("has no probe for what it does not know", async () => {
    expect(await probes.kernel({ operator: "Conv", ...float, weight: "float32" }, "inside")).toBeUndefined();
    expect(
      await probes.kernel({ operator: "MatMul", activation: "float16", weight: "float16" }, "inside"),
    ).toBeUndefined();
    expect(await probes.kernel({ operator: "MultiHeadAttention", ...float }, "inside")).toBeUndefined();
  });

  it("copies as many tensors as it is asked for", async () => {
    const { probe, bytes, release } = await probes.copy(4096);
    outputs.length = 0;
    await probe.run(1);
    await probe.run(5);
    await release();
    expect(bytes).toBe(4096);
    const [narrow, wide] = await probes.elements();
    expect(wide!.elements).toBeGreaterThan(narrow!.elements);
    await Promise.all([narrow!.release(), wide!.release()]);
  });
});
