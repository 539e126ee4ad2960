import type { ReplayCurve } from "./replay-curve.ts";

/** Share of a MoE's forward at n = 1 that reads experts; the rest does not grow with n. */
const EXPERT_SHARE = 0.7;

/** Experts that n tokens use at least once, evenly routed: U(n) = E(1 - (1 - k/E)^n). */
export function activeExperts(experts: number, perToken: number, n: number): number {
  return experts * (1 - (1 - perToken / experts) ** n);
}

/** Shapes that kernels of machines not at hand have, by their sources. */
export const SHAPED_CURVES: readonly ReplayCurve[] = [
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
