import { createRandom } from "@nearfree/calibrate";
import { predict, summaryIn } from "@nearfree/core/principle";
import { sampleKernel, sampleSignature, sampleSummary } from "@nearfree/core/test";
import { describe, expect, it } from "vitest";
import { createExactMachine } from "../testing/exact-machine.ts";
import { benchCurve, CASE_EPSILONS, isSameStair } from "./bench-curve.ts";

const LABELS = {
  name: "sample",
  family: "dense",
  scope: "model",
  ep: "cpu",
  threads: 1,
  contextLength: 1_000,
  form: "original",
} as const;
const SUMMARY = sampleSummary();
const SIGNATURE = sampleSignature();
const PREDICTED = predict(SUMMARY, SIGNATURE, { contextLength: 1_000, batch: 1 }, { maxPositions: 64 }).costMs;

/** The sample model on a machine where forwards cost what `cost` says, disturbed by `noise` of it either way. */
async function measure(cost: (n: number) => number, noise = 0.002) {
  const random = createRandom(5);
  const disturb = () => Math.exp(noise * (2 * random() - 1));
  const { probe, clock } = createExactMachine(cost, { disturb });
  return benchCurve(probe, SUMMARY, SIGNATURE, { ...LABELS, budgetMs: 60_000, clock });
}

describe("benchCurve", () => {
  it("finds nothing wrong where a forward costs what was predicted", async () => {
    const curve = await measure((n) => PREDICTED[n - 1]!);
    expect(curve).toMatchObject(LABELS);
    expect(curve.tError).toBeLessThan(0.01);
    expect(curve.ratioError).toBeLessThan(0.01);
    expect(curve.cases.map(({ epsilon }) => epsilon)).toEqual([...CASE_EPSILONS]);
    for (const each of curve.cases) {
      // The tile is six rows: the seventh costs a whole pass more.
      expect(each).toMatchObject({ predicted: 6, measured: 6, sameStair: true });
      expect(each.limit).toBe("dense-ffn MatMul float32: granularity-slack");
      expect(each.overPrediction).toBeCloseTo(each.idleCompute / 6, 12);
    }
  });

  it("prices a rewritten graph as such, and says what the original's figures would have missed", async () => {
    const lean = { ...LABELS, form: "lean" } as const;
    const kernel = { operator: "GroupQueryAttention", activation: "float32", cache: "lean" } as const;
    const { kernels } = SIGNATURE;
    const rate = { inside: 400e9, beyond: 400e9 };
    const signature = sampleSignature({ kernels: [...kernels, sampleKernel({ kernel, bytesPerSecond: rate })] });
    const { costMs } = predict(summaryIn(SUMMARY, "lean"), signature, { contextLength: 1_000, batch: 1 });
    const { probe, clock } = createExactMachine((n) => costMs[n - 1]!);
    const curve = await benchCurve(probe, SUMMARY, signature, { ...lean, budgetMs: 60_000, clock });
    expect(curve.form).toBe("lean");
    expect(curve.tError).toBeLessThan(0.01);
    expect(curve.originalTError).toBeGreaterThan(curve.tError);
  });

  it("tells a machine that is slower from one of another shape", async () => {
    const slower = await measure((n) => 2 * PREDICTED[n - 1]!);
    expect(slower.tError).toBeCloseTo(0.5, 2);
    expect(slower.ratioError).toBeLessThan(0.01);
    const linear = await measure((n) => n * PREDICTED[0]!);
    expect(linear.ratioError).toBeGreaterThan(0.3);
    expect(linear.cases.map(({ measured, sameStair }) => [measured, sameStair])).toEqual([
      [1, false],
      [1, false],
    ]);
  });

  it("judges the simpler predictions by the same curve", async () => {
    const { cases } = await measure((n) => PREDICTED[n - 1]!);
    const { balance, "balance-tiles": tiles } = cases[0]!.rivals;
    // 10.4 ms of reading against 0.52 ms a row: 20 rows hide behind it; in tiles of six, of which three fit.
    expect(balance).toMatchObject({ sameStair: false });
    expect(balance!.boundary).toBeGreaterThan(tiles!.boundary);
    expect(tiles!.boundary % 6).toBe(0);
    expect(balance!.ratioError).toBeGreaterThan(0.01);
  });

  it("takes no boundary from a machine too busy to have one", async () => {
    const curve = await measure((n) => PREDICTED[n - 1]!, 4);
    expect(curve.cases).toEqual([]);
  });
});

describe("isSameStair", () => {
  const point = (positions: number, ratio: number) =>
    ({ positions, ratio, low: ratio, high: ratio, samples: 9, level: "certified" }) as const;
  const points = [point(1, 1), point(2, 1.01), point(6, 1.05), point(7, 1.4), point(12, 1.42)];

  it("holds within a stair that was found, whatever its ends cost", () => {
    const stairs = [{ from: 1, to: 6, ratio: 1.02, confirmed: true }];
    expect(isSameStair(1, 6, { points, stairs })).toBe(true);
    expect(isSameStair(6, 7, { points, stairs })).toBe(false);
  });

  it("holds between n within 2% of each other by the curve, and for an n with itself", () => {
    expect(isSameStair(7, 12, { points })).toBe(true);
    // On the line from 1.01 to 1.05: 1.03 at n = 4.
    expect(isSameStair(4, 6, { points })).toBe(true);
    expect(isSameStair(1, 6, { points })).toBe(false);
    expect(isSameStair(99, 99, { points })).toBe(true);
    expect(isSameStair(12, 99, { points })).toBe(false);
  });
});
