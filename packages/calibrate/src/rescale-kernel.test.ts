import { KernelModel, type KernelSignature } from "@nearfree/core";
import { describe, expect, it } from "vitest";
import { rescaleKernel } from "./rescale-kernel.ts";

const SIGNATURE: KernelSignature = {
  kernel: { operator: "MatMul", activation: "float32", weight: "float32" },
  bytesPerSecond: { inside: 100e9, beyond: 30e9 },
  flopsPerSecond: 170e9,
  rows: [
    { positions: 1, value: 3 },
    { positions: 64, value: 64 },
  ],
  overlap: 1.5,
  nodeMs: 0.002,
  channelMs: 1e-6,
  correction: [
    { positions: 1, value: 1.1 },
    { positions: 64, value: 0.9 },
  ],
};
const CALL = { bytes: 4 * 832 ** 2, flops: 2 * 832 ** 2, channels: 832 };

/** A call of one position by the formula. */
function callMs(signature: KernelSignature, beyond: number): number {
  const model = new KernelModel(signature, beyond);
  return model.nodeMs + CALL.channels * model.channelMs + model.overlappedMs(CALL.bytes, CALL.flops, 1);
}

describe("rescaleKernel", () => {
  it("changes nothing where the machine is as it was", () => {
    const inside = { ...CALL, ms: callMs(SIGNATURE, 0) };
    const beyond = { ...CALL, ms: callMs(SIGNATURE, 1) };
    const same = rescaleKernel(SIGNATURE, { inside, beyond });
    expect(same.flopsPerSecond).toBeCloseTo(SIGNATURE.flopsPerSecond, 0);
    expect(same.bytesPerSecond.beyond / SIGNATURE.bytesPerSecond.beyond).toBeCloseTo(1, 9);
  });

  it.each([
    [1.4, 1.4],
    [1, 1.5],
    [0.8, 1.1],
  ])("gives back what the references cost now: %d times inside, %d times beyond", (insideBy, beyondBy) => {
    const inside = { ...CALL, ms: insideBy * callMs(SIGNATURE, 0) };
    const beyond = { ...CALL, ms: beyondBy * callMs(SIGNATURE, 1) };
    const now = rescaleKernel(SIGNATURE, { inside, beyond });
    expect(callMs(now, 0)).toBeCloseTo(inside.ms, 9);
    expect(callMs(now, 1)).toBeCloseTo(beyond.ms, 9);
    expect(now.rows).toEqual(SIGNATURE.rows);
    expect(now.correction).toEqual(SIGNATURE.correction);
  });

  it("goes half of the way where it is told to", () => {
    const inside = { ...CALL, ms: 1.44 * callMs(SIGNATURE, 0) };
    const beyond = { ...CALL, ms: 1.21 * callMs(SIGNATURE, 1) };
    const now = rescaleKernel(SIGNATURE, { inside, beyond }, 0.5);
    expect(callMs(now, 0) / callMs(SIGNATURE, 0)).toBeCloseTo(1.2, 9);
    expect(callMs(now, 1) / callMs(SIGNATURE, 1)).toBeCloseTo(1.1, 9);
  });

  it("never reads faster from beyond the cache than out of it", () => {
    const inside = { ...CALL, ms: callMs(SIGNATURE, 0) };
    const { bytesPerSecond } = rescaleKernel(SIGNATURE, { inside, beyond: { ...CALL, ms: inside.ms / 10 } });
    expect(bytesPerSecond.beyond).toBe(bytesPerSecond.inside);
  });
});
