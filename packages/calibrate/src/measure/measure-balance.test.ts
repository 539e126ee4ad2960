import type { Workload } from "@nearfree/core/measure";
import { expect, it } from "vitest";
import { measureBalance } from "./measure-balance.ts";

/** Workloads on one scripted time line; each run takes the next of its times. */
function scripted(times: { bandwidth: number[]; compute: number[] }) {
  let now = 0;
  const runs: string[] = [];
  const workload = (name: "bandwidth" | "compute", positions: number, amount: number): Workload => ({
    positions,
    amount,
    probe: {
      maxPositions: positions,
      prepare: () => {
        now += 1_000;
      },
      run: async (n) => {
        runs.push(`${name}(${n})`);
        now += times[name].shift() ?? times[name].at(-1) ?? 4;
      },
    },
  });
  const probes = { bandwidth: workload("bandwidth", 1, 80e6), compute: workload("compute", 512, 10e9) };
  return { probes, clock: () => now, runs };
}

it("takes the fastest run of each after a warm-up, without what prepare costs", async () => {
  const { probes, clock } = scripted({ bandwidth: [1, 6, 4, 5, 9], compute: [10, 120, 100, 110] });
  const balance = await measureBalance(probes, { clock, budgetMs: 1e9 });
  expect(balance.bytesPerSecond).toBeCloseTo(80e6 / 4e-3, 0);
  expect(balance.flopsPerSecond).toBeCloseTo(10e9 / 4e-3, 0);
});

it("runs one round whatever the budget", async () => {
  const { probes, clock, runs } = scripted({ bandwidth: [], compute: [] });
  await measureBalance(probes, { clock, budgetMs: 0 });
  const b = "bandwidth(1)";
  expect(runs).toEqual([b, "compute(512)", b, b, b, b, "compute(512)"]);
});

it("stops when told to", async () => {
  const { probes, clock } = scripted({ bandwidth: [], compute: [] });
  const signal = AbortSignal.abort();
  await expect(measureBalance(probes, { clock, signal })).rejects.toMatchObject({ code: "aborted" });
});

it("stays finite on a clock that does not move", async () => {
  const { probes } = scripted({ bandwidth: [], compute: [] });
  const balance = await measureBalance(probes, { clock: () => 0 });
  expect(Number.isFinite(balance.bytesPerSecond) && Number.isFinite(balance.flopsPerSecond)).toBe(true);
});
