import type { Probe } from "@nearfree/core/measure";
import type { KernelClass, KernelWorkload, SignatureProbes } from "@nearfree/core/principle";
import { sampleSignature } from "@nearfree/core/test";
import { describe, expect, it } from "vitest";
import { measureSignature, SIGNATURE_METHOD } from "./measure-signature.ts";

const DENSE: KernelClass = { operator: "MatMul", activation: "float32", weight: "float32" };
const { environment: ENVIRONMENT } = sampleSignature();

/** A device of which everything is known: 0.05 ms a run, 10 GB/s beyond a cache of 40, tiles of six rows at 100 GFLOP/s. */
function scriptedDevice() {
  let time = 0;
  const probe = (ms: (n: number) => number): Probe => ({
    maxPositions: 64,
    prepare: () => {},
    run: async (n) => {
      time += ms(n);
    },
  });
  const release = async () => {};
  const kernels: string[] = [];
  const kernel = async (asked: KernelClass, size: string): Promise<KernelWorkload | undefined> => {
    if (asked.operator !== "MatMul" || size === "narrow") return undefined;
    kernels.push(size);
    const width = size === "small" ? 256 : 1024;
    const calls = size === "beyond" ? 64 : 4;
    const [bytes, flops] = [4 * width ** 2, 2 * width ** 2];
    const read = bytes / (size === "beyond" ? 10e6 : 40e6);
    const ms = (n: number) => 0.05 + calls * (0.002 + read + (flops * Math.ceil(n / 6) * 6) / 100e6);
    return { probe: probe(ms), release, calls, bytes: () => bytes, flops: () => flops, channels: width };
  };
  const probes: SignatureProbes = {
    kernel,
    elements: async () =>
      [320, 1280].map((width) => ({
        probe: probe((n) => 0.05 + 48 * (0.001 + 1e-6 * n * width)),
        release,
        nodes: 48,
        elements: 48 * width,
      })),
    copy: async (bytes) => ({ probe: probe((n) => 0.05 + n * bytes * 1e-7), release, bytes }),
    stream: async (bytes) => ({ probe: probe(() => bytes / (bytes <= 48 << 20 ? 40e6 : 10e6)), release, bytes }),
  };
  return { probes, clock: () => time, kernels };
}

describe("measureSignature", () => {
  it("finds what the device was made of", async () => {
    const { probes, clock } = scriptedDevice();
    const found = await measureSignature(probes, { clock, environment: ENVIRONMENT, kernels: [DENSE] });
    expect(found).toMatchObject({ version: 1, origin: "measured", method: SIGNATURE_METHOD });
    expect(found.host.runMs).toBeCloseTo(0.05, 6);
    expect(found.host.copies.at(-1)!.ms).toBeCloseTo((1 << 22) * 1e-7, 6);
    expect(found.elementWise.nodeMs).toBeCloseTo(0.001, 6);
    expect(found.elementWise.elementMs).toBeCloseTo(1e-6, 9);
    expect(found.cache).toEqual({ insideBytes: 48 << 20, beyondBytes: 64 << 20 });
    const [kernel] = found.kernels;
    expect(kernel!.nodeMs).toBeCloseTo(0.002, 5);
    expect(kernel!.overlap).toBe(1);
    const rowsAt = (n: number) => kernel!.rows.find(({ positions }) => positions === n)!.value;
    expect(rowsAt(6)).toBeCloseTo(rowsAt(1), 3);
    expect(rowsAt(7)).toBeGreaterThan(1.3 * rowsAt(6));
  });

  it("keeps what is known, and leaves out what has no generator", async () => {
    const first = scriptedDevice();
    const options = { environment: ENVIRONMENT, kernels: [DENSE] };
    const known = await measureSignature(first.probes, { clock: first.clock, ...options });
    const second = scriptedDevice();
    const attention: KernelClass = { operator: "Attention", activation: "float32" };
    const again = await measureSignature(second.probes, {
      clock: second.clock,
      environment: ENVIRONMENT,
      kernels: [DENSE, attention],
      known,
    });
    expect(second.kernels).toEqual([]);
    expect(again.kernels).toEqual(known.kernels);
    expect(again.host).toEqual(known.host);
  });

  it("ends with the caller's signal", async () => {
    const { probes, clock } = scriptedDevice();
    const signal = AbortSignal.abort();
    const measuring = measureSignature(probes, { clock, environment: ENVIRONMENT, kernels: [DENSE], signal });
    await expect(measuring).rejects.toMatchObject({ code: "aborted" });
  });
});
