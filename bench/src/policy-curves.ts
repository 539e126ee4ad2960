import type { RecordedVariant } from "./policy-recording.ts";

/** `flat`: more positions cost little up to eight and beyond. `hard`: a rule that takes the curve for smooth goes wrong. `sloped`: the rest. */
export type CurveKind = "flat" | "sloped" | "hard";

/** r(n) of a machine, frozen. */
export interface ReplayCurve {
  readonly name: string;
  readonly kind: CurveKind;
  /** Where the numbers come from. */
  readonly source: string;
  /** Whose tokens are replayed on it. */
  readonly variant: RecordedVariant;
  /** T(1) in ms on an empty context. */
  readonly baseMs: number;
  /** Pairs [n, r(n)] from 1 to 32; between two of them a straight line. */
  readonly points: readonly (readonly [number, number])[];
}

/** Two cores of an AVX512 server, onnxruntime-node 1.30.0, interleaved medians, 2026-11. */
const MEASURED = "measured: onnxruntime-node 1.30.0, 2 cores of an AVX512 server, 2026-11";

/** Share of a MoE's forward at n = 1 that reads experts; the rest does not grow with n. */
const EXPERT_SHARE = 0.7;

/** Experts that n tokens use at least once, evenly routed: U(n) = E(1 - (1 - k/E)^n). */
export function activeExperts(experts: number, perToken: number, n: number): number {
  return experts * (1 - (1 - perToken / experts) ** n);
}

export const REPLAY_CURVES: readonly ReplayCurve[] = [
  {
    name: "cpu-fp32",
    kind: "sloped",
    source: MEASURED,
    variant: "fp32",
    baseMs: 0.61,
    points: [
      [1, 1],
      [2, 1.05],
      [3, 1.06],
      [4, 1.11],
      [6, 1.23],
      [8, 1.45],
      [12, 1.7],
      [16, 2.03],
      [24, 2.58],
      [32, 3.29],
    ],
  },
  {
    name: "cpu-int4",
    kind: "sloped",
    source: MEASURED,
    variant: "int4",
    baseMs: 0.57,
    points: [
      [1, 1],
      [2, 1.12],
      [3, 1.26],
      [4, 1.33],
      [6, 1.51],
      [8, 1.75],
      [16, 2.54],
      [32, 3.95],
    ],
  },
  {
    name: "cpu-moe",
    kind: "hard",
    source: MEASURED,
    variant: "fp32",
    baseMs: 4,
    points: [
      [1, 1],
      [2, 1.74],
      [4, 3.4],
      [8, 5.8],
      [16, 8.5],
      [32, 10.6],
    ],
  },
  {
    name: "gpu-stair",
    kind: "flat",
    source: "shape: tiles of 8 and 16 rows",
    variant: "fp32",
    baseMs: 8,
    points: [
      [1, 1],
      [8, 1.02],
      [9, 1.22],
      [16, 1.24],
      [17, 1.55],
      [32, 1.58],
    ],
  },
  {
    name: "cliff",
    kind: "hard",
    source: "shape: another kernel from two rows on (cpu MatMulNBits at accuracy level 0), flat to 16",
    variant: "int4",
    baseMs: 5,
    points: [
      [1, 1],
      [2, 2.3],
      [16, 2.35],
      [17, 3.1],
      [32, 3.2],
    ],
  },
  {
    name: "inversion",
    kind: "hard",
    source: "shape: webgpu MatMulNBits, one row per workgroup up to three, a wide tile from four",
    variant: "int4",
    baseMs: 6,
    points: [
      [1, 1],
      [2, 1.9],
      [3, 2.7],
      [4, 1.5],
      [16, 1.6],
      [17, 2.3],
      [32, 2.4],
    ],
  },
  {
    name: "moe-128x8",
    kind: "hard",
    source: "shape: U(n) = E(1 - (1 - k/E)^n), 128 experts, top 8",
    variant: "fp32",
    baseMs: 20,
    points: Array.from({ length: 32 }, (_, i) => [
      i + 1,
      1 - EXPERT_SHARE + (EXPERT_SHARE * activeExperts(128, 8, i + 1)) / 8,
    ]),
  },
];

/** ratios[n-1] = r(n) for n = 1..32. */
export function ratiosOf({ points }: ReplayCurve): Float64Array {
  const ratios = new Float64Array(points.at(-1)![0]);
  let right = 0;
  for (let n = 1; n <= ratios.length; n++) {
    while (points[right]![0] < n) right++;
    const [n1, r1] = points[right]!;
    const [n0, r0] = points[Math.max(0, right - 1)]!;
    ratios[n - 1] = n1 === n ? r1 : r0 + ((r1 - r0) * (n - n0)) / (n1 - n0);
  }
  return ratios;
}
