import type { ProfileKey } from "../contracts/environment.ts";
import { PROFILE_VERSION, type Profile } from "../profile/profile.ts";

/** A whole, consistent profile that nothing measured: `n` distinguishes keys, `ratios[p]` is r(p + 1). */
export function sampleProfile(n = 0, ratios: readonly number[] = [1, 1.05, 1.06, 1.11]): Profile {
  return {
    version: PROFILE_VERSION,
    key: sampleKey(n),
    measuredAt: "2026-01-01T00:00:00.000Z",
    baseMs: 0.61,
    coldMs: 4.2,
    points: ratios.map((ratio, i) => ({
      positions: i + 1,
      ratio,
      low: i === 0 ? ratio : ratio * 0.98,
      high: i === 0 ? ratio : ratio * 1.02,
      samples: 8,
      level: "certified",
    })),
    boundaries: [{ epsilon: 0.1, prefixFree: 3, level: "certified" }],
    idleCompute: { positions: 19, flopsPerSecond: 1.9e11, bytesPerSecond: 2e10, bytesPerWeight: 4 },
    invariance: { classes: [[1], [2, 3, 4]], maxDifference: 1.4e-5, rows: 4, argmaxFlips: 0 },
    run: { forwards: 120, ms: 180.5, discards: 2, drift: -0.01 },
  };
}

/** The key of `sampleProfile(n)`. */
export function sampleKey(n = 0): ProfileKey {
  return {
    environment: {
      runtime: "onnxruntime-node",
      runtimeVersion: "1.30.0",
      executionProvider: "cpu",
      options: { enableCpuMemArena: true },
      threads: 2,
      graphOptimizationLevel: "all",
      device: { cores: 2, model: "sample" },
    },
    model: `sample-${n}`,
    cell: { contextLength: 256, batch: 1 },
    method: 1,
  };
}
