import type { RecordedVariant } from "./recording.ts";

/** `flat`: eight positions for at most the price of one and a half. `hard`: cliffs, inversions, mixtures of experts. `sloped`: the rest. */
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

/** By `pnpm bench:policy --measure`, at a context of 128 on one thread. */
const MEASURED = "onnxruntime 1.30.0, AMD EPYC (AVX512), Node 20.20.2, 2026-11-24";

/** Share of a MoE's forward at n = 1 that reads experts; the rest does not grow with n. */
const EXPERT_SHARE = 0.7;

/** Experts that n tokens use at least once, evenly routed: U(n) = E(1 - (1 - k/E)^n). */
export function activeExperts(experts: number, perToken: number, n: number): number {
  return experts * (1 - (1 - perToken / experts) ** n);
}

export const REPLAY_CURVES: readonly ReplayCurve[] = [
  {
    name: "cpu-fp32",
    kind: "flat",
    source: `${MEASURED}: tiny-ts fp32`,
    variant: "fp32",
    baseMs: 1.754,
    points: [
      [1, 1],
      [2, 1.09],
      [3, 1.1],
      [4, 1.17],
      [5, 1.24],
      [6, 1.23],
      [7, 1.46],
      [8, 1.48],
      [9, 1.52],
      [12, 1.49],
      [13, 1.7],
      [16, 1.81],
      [17, 1.79],
      [24, 2.09],
      [25, 2.26],
      [32, 2.49],
    ],
  },
  {
    name: "cpu-int4",
    kind: "sloped",
    source: `${MEASURED}: tiny-ts int4`,
    variant: "int4",
    baseMs: 0.908,
    points: [
      [1, 1],
      [2, 1.05],
      [3, 1.2],
      [4, 1.23],
      [5, 1.47],
      [6, 1.55],
      [7, 1.63],
      [8, 1.86],
      [9, 1.89],
      [12, 2.2],
      [13, 2.5],
      [16, 2.79],
      [17, 2.73],
      [24, 3.51],
      [25, 3.65],
      [32, 4.5],
    ],
  },
  {
    name: "cpu-dense",
    kind: "flat",
    source: `${MEASURED}: a generated decoder of 70 M parameters, fp32`,
    variant: "fp32",
    baseMs: 14.538,
    points: [
      [1, 1],
      [2, 1.09],
      [3, 1.19],
      [4, 1.27],
      [5, 1.3],
      [6, 1.32],
      [7, 1.53],
      [8, 1.49],
      [9, 1.53],
      [12, 1.62],
      [13, 1.95],
      [16, 1.96],
      [17, 1.92],
      [24, 2.33],
      [25, 2.45],
      [32, 2.92],
    ],
  },
  {
    name: "cpu-moe",
    kind: "hard",
    source: `${MEASURED}: a generated decoder of 32 experts, 4 at work, fp32`,
    variant: "fp32",
    baseMs: 7.538,
    points: [
      [1, 1],
      [2, 1.48],
      [3, 1.87],
      [4, 2.05],
      [5, 2.3],
      [6, 2.44],
      [7, 2.7],
      [8, 2.86],
      [9, 2.89],
      [12, 3.32],
      [13, 3.54],
      [16, 3.81],
      [17, 3.99],
      [24, 4.44],
      [25, 4.95],
      [32, 5.58],
    ],
  },
  {
    name: "cpu-qmoe",
    kind: "hard",
    source: `${MEASURED}: the same, experts in int4`,
    variant: "int4",
    baseMs: 42.43,
    points: [
      [1, 1],
      [2, 1.55],
      [3, 1.96],
      [4, 2.24],
      [5, 2.27],
      [6, 2.58],
      [7, 2.77],
      [8, 2.77],
      [9, 2.92],
      [12, 2.92],
      [13, 3.13],
      [16, 3.31],
      [17, 3.38],
      [24, 3.9],
      [25, 3.94],
      [32, 4.1],
    ],
  },
  {
    name: "wasm-fp32",
    kind: "sloped",
    source: `${MEASURED}: tiny-ts fp32, onnxruntime-web`,
    variant: "fp32",
    baseMs: 1.974,
    points: [
      [1, 1],
      [2, 2.07],
      [3, 2.84],
      [4, 3.6],
      [5, 4.34],
      [6, 5.01],
      [7, 5.75],
      [8, 6.32],
      [9, 7.05],
      [12, 8.95],
      [13, 9.58],
      [16, 12.1],
      [17, 12.95],
      [24, 17.99],
      [25, 18.4],
      [32, 23.89],
    ],
  },
  {
    name: "wasm-int4",
    kind: "sloped",
    source: `${MEASURED}: tiny-ts int4, onnxruntime-web`,
    variant: "int4",
    baseMs: 11.857,
    points: [
      [1, 1],
      [2, 1.15],
      [3, 1.25],
      [4, 1.35],
      [5, 1.45],
      [6, 1.55],
      [7, 1.65],
      [8, 1.75],
      [9, 1.83],
      [12, 2.16],
      [13, 2.27],
      [16, 2.58],
      [17, 2.67],
      [24, 3.45],
      [25, 3.5],
      [32, 4.34],
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
