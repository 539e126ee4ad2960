import { describe, expect, it } from "vitest";
import { fitKernel, monotone, type WorkloadCurve } from "./fit-kernel.ts";

const KERNEL = { operator: "MatMul", activation: "float32", weight: "float32" };
const POSITIONS = [1, 2, 4, 6, 7, 12, 13, 24, 48, 64];
const TILE = 6;

/** A machine of which everything is known: tiles of six rows, reading and computing one after the other. */
function curve({ width, calls, gigabytes }: { width: number; calls: number; gigabytes: number }): WorkloadCurve {
  const bytes = 4 * width ** 2;
  const flops = 2 * width ** 2;
  const ms = (n: number) => {
    const rows = Math.ceil(n / TILE) * TILE;
    return calls * (0.002 + 1e-6 * n * width + bytes / (gigabytes * 1e6) + (flops * rows) / (100 * 1e6));
  };
  return {
    points: POSITIONS.map((positions) => ({ positions, ms: ms(positions) })),
    calls,
    channels: width,
    bytes: () => bytes,
    flops: () => flops,
  };
}

describe("fitKernel", () => {
  const small = curve({ width: 256, calls: 8, gigabytes: 60 });
  const inside = curve({ width: 1024, calls: 4, gigabytes: 60 });
  const beyond = curve({ width: 1024, calls: 64, gigabytes: 10 });
  const fitted = fitKernel(KERNEL, { small, inside, beyond });

  it("finds what a call and what a row of it costs besides the work", () => {
    expect(fitted.nodeMs).toBeCloseTo(0.002, 6);
    expect(fitted.channelMs).toBeCloseTo(1e-6, 9);
  });

  it("never counts fewer rows than there are, nor fewer for more", () => {
    for (const [i, { positions, value }] of fitted.rows.entries()) {
      expect(value).toBeGreaterThanOrEqual(positions * (1 - 1e-9));
      if (i > 0) expect(value).toBeGreaterThanOrEqual(fitted.rows[i - 1]!.value);
    }
    const rowsAt = (n: number) => fitted.rows.find(({ positions }) => positions === n)!.value;
    expect(rowsAt(6) / rowsAt(1)).toBeCloseTo(1, 6);
    expect(rowsAt(7)).toBeGreaterThan(1.2 * rowsAt(6));
  });

  it("gives back the curve beyond the cache that it was made from", () => {
    const { bytesPerSecond, flopsPerSecond, rows, overlap, nodeMs, channelMs, correction } = fitted;
    for (const [i, { positions, ms }] of beyond.points.entries()) {
      const bandwidth = (1_000 * beyond.bytes(1)) / bytesPerSecond.beyond;
      const compute = (1_000 * beyond.flops(1) * rows[i]!.value) / flopsPerSecond;
      const products = (bandwidth ** overlap + compute ** overlap) ** (1 / overlap) * correction![i]!.value;
      expect(64 * (nodeMs + positions * 1024 * channelMs + products)).toBeCloseTo(ms, 6);
    }
    expect(bytesPerSecond.beyond).toBeLessThan(bytesPerSecond.inside);
    // Additive by construction: the formula alone is right, nothing is left to correct.
    expect(overlap).toBe(1);
    for (const { value } of correction!) expect(value).toBeCloseTo(1, 6);
  });

  it("goes by the size of a cache that is copied, and by all operands where it is only read", () => {
    const heads = { inside: { ...inside, headDim: 64 }, beyond: { ...beyond, headDim: 64 } };
    const attention = { operator: "GroupQueryAttention", activation: "float32" };
    for (const kernel of [attention, { ...attention, cache: "rows" as const }]) {
      expect(fitKernel(kernel, heads).kvBytes?.inside).toBe(4 * inside.bytes(1));
    }
    expect(fitKernel({ ...attention, cache: "lean" }, heads).kvBytes).toBeUndefined();
  });

  it("does with the curve inside the cache alone", () => {
    const alone = fitKernel(KERNEL, { inside });
    expect(alone.bytesPerSecond.beyond).toBe(alone.bytesPerSecond.inside);
    expect(alone.correction).toBeUndefined();
  });
});

it("pools neighbours that fall", () => {
  const points = [1, 3, 2, 4].map((value, i) => ({ positions: i + 1, value }));
  expect(monotone(points).map(({ value }) => value)).toEqual([1, 2.5, 2.5, 4]);
});
