import {
  type Boundary,
  EPSILONS,
  type Level,
  PROFILE_VERSION,
  type Profile,
  type ProfileKey,
  prefixFree,
  type Stair,
} from "@nearfree/core";
import * as fc from "fast-check";

/** Tiles of six rows, a per cent for every row: 6 positions are near-free at 0.1. */
const TILES = [1, 2, 3, 4, 5, 6, 7, 8, 12, 13, 16, 24, 32].map((n) => [
  n,
  1 + 0.01 * (n - 1) + 0.2 * Math.floor((n - 1) / 6),
]);

export interface ProfileParts {
  readonly key?: Partial<ProfileKey>;
  /** n and r(n). Default: tiles of six rows. */
  readonly curve?: readonly (readonly number[])[];
  readonly level?: Level;
  readonly idle?: number;
  readonly measuredAt?: string;
}

export const TEST_KEY: ProfileKey = {
  environment: {
    runtime: "onnxruntime-node",
    runtimeVersion: "1.30.0",
    executionProvider: "cpu",
    options: { enableCpuMemArena: true },
    threads: 2,
    graphOptimizationLevel: "all",
    device: { cpu: "a processor", flags: "avx2 fma" },
  },
  model: "0123456789abcdef".repeat(4),
  cell: { contextLength: 256, batch: 1 },
  method: 2,
};

/** A profile without what is optional, from a curve. */
export function plainProfile(parts: ProfileParts = {}): Profile {
  const { key, curve = TILES, level = "certified", idle = 19, measuredAt = "2026-01-02T03:04:05.678Z" } = parts;
  const points = curve.map(([positions = 1, ratio = 1], i) => ({
    positions,
    ratio,
    low: i === 0 ? 1 : ratio * 0.99,
    high: i === 0 ? 1 : ratio * 1.01,
    samples: 7,
    level: i === 0 ? ("certified" as const) : level,
  }));
  const boundaries = EPSILONS.map(
    (epsilon): Boundary => ({ epsilon, prefixFree: prefixFree({ points }, epsilon), level }),
  );
  return {
    version: PROFILE_VERSION,
    key: { ...TEST_KEY, ...key },
    measuredAt,
    baseMs: 0.61,
    coldMs: 1.9,
    points,
    boundaries,
    idleCompute: { positions: idle, flopsPerSecond: 1.9e11, bytesPerSecond: 2e10, bytesPerWeight: 4 },
    invariance: {
      classes: [[1], points.slice(1).map(({ positions }) => positions)],
      maxDifference: 1.4e-5,
      rows: 40,
      argmaxFlips: 1,
    },
    run: { forwards: 160, ms: 420, discards: 3, drift: -0.012 },
  };
}

/** The same with everything that a calibration may add. */
export function fullProfile(parts: ProfileParts = {}): Profile {
  const profile = plainProfile(parts);
  const stairs: Stair[] = [
    { from: 1, to: 6, ratio: 1.03, confirmed: true },
    { from: 7, to: 12, ratio: 1.28, confirmed: false },
    { from: 13, to: 32, ratio: 1.6, confirmed: true },
  ];
  return {
    ...profile,
    boundaries: profile.boundaries.map((boundary) => ({ ...boundary, freeSet: [[1, boundary.prefixFree]] })),
    stairs,
    inversions: [{ positions: 7, cheaper: 8, ratio: 0.93, pairs: 6 }],
    granularity: 6,
    run: { ...profile.run, smallestRatio: 1.004, stop: "decided" },
  };
}

const level = fc.constantFrom<Level>("certified", "~", "budget", "unresolvable");
const ratio = fc.double({ min: 0.01, max: 1000, noNaN: true });

/** Any valid curve, however strange, with names that are any text. */
export function anyProfile(name: fc.Arbitrary<string>): fc.Arbitrary<Profile> {
  const key = fc.record({
    environment: fc.record({
      runtime: name,
      runtimeVersion: name,
      executionProvider: name,
      options: fc.dictionary(name, name, { maxKeys: 2 }),
      threads: fc.nat(64),
      graphOptimizationLevel: name,
      device: fc.record({ cpu: name, flags: name }),
    }),
    model: name,
    cell: fc.record({ contextLength: fc.nat(1 << 17), batch: fc.integer({ min: 1, max: 64 }) }),
    method: fc.nat(9),
  });
  const curve = fc
    .uniqueArray(fc.tuple(fc.integer({ min: 2, max: 4096 }), ratio), { selector: ([n]) => n, maxLength: 24 })
    .map((rest) => [[1, 1], ...rest.sort(([a], [b]) => a - b)]);
  return fc
    .record({
      key,
      curve,
      level,
      idle: fc.integer({ min: 1, max: 1 << 20 }),
      measuredAt: name,
      full: fc.boolean(),
      widths: ratio,
      label: fc.option(
        name.filter(({ length }) => length > 0 && length <= 200),
        { nil: undefined },
      ),
    })
    .map(({ full, widths, label, ...parts }) => {
      const profile = { ...(full ? fullProfile : plainProfile)(parts), ...(label !== undefined && { label }) };
      const wide = (value: number) => value * (1 + widths);
      return {
        ...profile,
        points: profile.points.map((point, i) => (i === 0 ? point : { ...point, high: wide(point.high) })),
      };
    });
}
