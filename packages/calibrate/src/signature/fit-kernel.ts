import type { KernelClass, KernelSignature, SignaturePoint } from "@nearfree/core/principle";
import { median } from "../measure/statistics/stats.ts";

/** A curve of a known workload, what comes back to JavaScript already taken off. */
export interface WorkloadCurve {
  readonly points: readonly { readonly positions: number; readonly ms: number }[];
  readonly calls: number;
  readonly channels: number;
  readonly bytes: (positions: number) => number;
  readonly flops: (positions: number) => number;
  readonly headDim?: number | undefined;
}

/** The curves of one class; only `inside` must be there. */
export interface KernelCurves {
  readonly small?: WorkloadCurve | undefined;
  readonly narrow?: WorkloadCurve | undefined;
  readonly inside: WorkloadCurve;
  readonly beyond?: WorkloadCurve | undefined;
}

/**
 * Share of T(1)^p inside the cache that is counted as reading. At one position reading and computing cannot be told apart there, and
 * need not be: both are kept, so that a faster device of either kind is never predicted to be slower.
 */
const READING_SHARE = 0.5;
/** Exponents of the overlap that are tried. */
const OVERLAPS = [1, 1.25, 1.5, 2, 3, 4, 6] as const;
/** Kernels with head halves compared from this many positions on, where the products are not hidden by what a call costs. */
const SCORE_POSITIONS = 8;
/** The largest ratio of the costs per FLOP at half the head size that is still explained by scores: 2 would mean scores alone. */
const MAX_SCORE_RATIO = 1.9;
const MS = 1_000;

/**
 * Fits c0 + n * channels * c1 + (bw^p + comp^p)^(1/p) to the curves of one class:
 * c0 and c1 from what `small` costs beyond its share of the work; u(n) and phi from `inside`; the bandwidth beyond the cache from
 * `beyond` at n = 1, and p from the rest of it. What the formula misses there by n is the correction.
 */
export function fitKernel(kernel: KernelClass, curves: KernelCurves): KernelSignature {
  const { nodeMs, channelMs } = fitConstants(curves);
  const rateOf = (curve: WorkloadCurve) => ratesOf(curve, nodeMs, channelMs);
  const scoreChannels = fitScoreChannels(curves, rateOf);
  const perScore = (curve: WorkloadCurve) => 1 + scoreChannels / (curve.headDim ?? Number.POSITIVE_INFINITY);
  const inside = rateOf(curves.inside).map(({ positions, ms }) => ({ positions, ms: ms / perScore(curves.inside) }));
  const bytesPerFlop = (curve: WorkloadCurve) => curve.bytes(1) / (curve.flops(1) * perScore(curve));
  const beyond =
    curves.beyond &&
    rateOf(curves.beyond).map(({ positions, ms }) => ({ positions, ms: ms / perScore(curves.beyond!) }));
  const fits = (beyond === undefined ? [1] : OVERLAPS).map((overlap) => fitOverlap(inside, beyond, overlap));
  const best = fits.reduce((a, b) => (b.error < a.error ? b : a));
  const insideMsPerByte = best.insideMs / bytesPerFlop(curves.inside);
  const beyondMsPerByte = best.beyondMs / bytesPerFlop(curves.beyond ?? curves.inside);
  return {
    kernel,
    bytesPerSecond: { inside: MS / insideMsPerByte, beyond: MS / Math.max(insideMsPerByte, beyondMsPerByte) },
    // A lean cache is read as weights are: it is beyond the last-level cache where all operands together are.
    ...(curves.inside.headDim !== undefined &&
      kernel.cache !== "lean" && {
        kvBytes: { inside: totalBytes(curves.inside), beyond: totalBytes(curves.beyond ?? curves.inside) * 1.001 },
      }),
    flopsPerSecond: MS / best.peakMs,
    rows: best.rows,
    overlap: best.overlap,
    nodeMs,
    channelMs,
    ...(scoreChannels > 0 && { scoreChannels }),
    ...(best.correction && { correction: best.correction }),
  };
}

function totalBytes({ bytes, calls }: WorkloadCurve): number {
  return bytes(1) * calls;
}

/** Ms for each FLOP of one position, by n. */
interface Rate {
  readonly positions: number;
  readonly ms: number;
}

function ratesOf(curve: WorkloadCurve, nodeMs: number, channelMs: number): Rate[] {
  return curve.points.map(({ positions, ms }) => {
    const constant = nodeMs + positions * curve.channels * channelMs;
    const perCall = ms / curve.calls;
    // Noise must not make work free: at least a fifth of a call is the products.
    return { positions, ms: Math.max(perCall - constant, perCall / 5) / curve.flops(positions) };
  });
}

/**
 * A call of `small` has rho = flops(small) / flops(inside) of the work of one of `inside`; what it costs beyond that share is
 * c0 (1 - rho) + c1 n (channels(small) - rho channels(inside)): a line in n, fitted by least squares of relative errors.
 */
function fitConstants({ small, inside }: KernelCurves): { nodeMs: number; channelMs: number } {
  if (small === undefined) return { nodeMs: 0, channelMs: 0 };
  const insideMs = new Map(inside.points.map(({ positions, ms }) => [positions, ms / inside.calls]));
  let [aa, ab, bb, ay, by] = [0, 0, 0, 0, 0];
  for (const { positions, ms } of small.points) {
    const other = insideMs.get(positions);
    if (other === undefined) continue;
    const rho = small.flops(positions) / inside.flops(positions);
    const weight = small.calls / ms;
    const a = (1 - rho) * weight;
    const b = positions * (small.channels - rho * inside.channels) * weight;
    const y = (ms / small.calls - rho * other) * weight;
    aa += a * a;
    ab += a * b;
    bb += b * b;
    ay += a * y;
    by += b * y;
  }
  const determinant = aa * bb - ab * ab;
  const nodeMs = determinant > 0 ? (bb * ay - ab * by) / determinant : ay / aa;
  const channelMs = determinant > 0 ? (aa * by - ab * ay) / determinant : 0;
  if (nodeMs < 0) return { nodeMs: 0, channelMs: bb > 0 ? Math.max(0, by / bb) : 0 };
  if (channelMs < 0) return { nodeMs: Math.max(0, ay / aa), channelMs: 0 };
  return { nodeMs, channelMs };
}

/** s from the cost per FLOP at two head sizes: x (1 + s / d) each. */
function fitScoreChannels({ narrow, inside }: KernelCurves, rateOf: (curve: WorkloadCurve) => Rate[]): number {
  if (narrow?.headDim === undefined || inside.headDim === undefined) return 0;
  const wide = new Map(rateOf(inside).map(({ positions, ms }) => [positions, ms]));
  const ratios = rateOf(narrow)
    .filter(({ positions }) => positions >= SCORE_POSITIONS && wide.has(positions))
    .map(({ positions, ms }) => ms / wide.get(positions)!);
  if (ratios.length === 0) return 0;
  const ratio = Math.min(MAX_SCORE_RATIO, Math.max(1, median(ratios)));
  // ratio = (1 + s / narrow) / (1 + s / wide)
  return (ratio - 1) / (1 / narrow.headDim - ratio / inside.headDim);
}

function fitOverlap(inside: readonly Rate[], beyond: readonly Rate[] | undefined, overlap: number) {
  const first = inside[0]!.ms;
  const insideMs = first * READING_SHARE ** (1 / overlap);
  const minus = (whole: number, part: number) => Math.max(0, whole ** overlap - part ** overlap) ** (1 / overlap);
  // Where noise has a wide forward cost less than one position, what is left is still something.
  const computeMs = new Map(inside.map(({ positions, ms }) => [positions, Math.max(minus(ms, insideMs), first / 10)]));
  const peakMs = Math.min(...[...computeMs].map(([positions, ms]) => ms / positions));
  const rows = monotone(inside.map(({ positions }) => ({ positions, value: computeMs.get(positions)! / peakMs })));
  const computeOf = (positions: number) => rows.find((row) => row.positions === positions)!.value * peakMs;
  const joined = (bandwidth: number, positions: number) =>
    (bandwidth ** overlap + computeOf(positions) ** overlap) ** (1 / overlap);
  const beyondMs = beyond === undefined ? insideMs : Math.max(insideMs, minus(beyond[0]!.ms, computeOf(1)));
  const correction = beyond
    ?.filter(({ positions }) => computeMs.has(positions))
    .map(({ positions, ms }) => ({ positions, value: ms / joined(beyondMs, positions) }));
  const error = (correction ?? []).reduce((sum, { value }) => sum + Math.log(value) ** 2, 0);
  return { overlap, peakMs, insideMs, beyondMs, rows, correction, error };
}

/** Rows computed never fall with n: where noise says so, neighbours are pooled (isotonic regression, pool adjacent violators). */
export function monotone(points: readonly SignaturePoint[]): SignaturePoint[] {
  const pools: { value: number; positions: number[] }[] = [];
  for (const { positions, value } of points) {
    pools.push({ value, positions: [positions] });
    while (pools.length > 1 && pools.at(-2)!.value > pools.at(-1)!.value) {
      const last = pools.pop()!;
      const before = pools.at(-1)!;
      const [a, b] = [before.positions.length, last.positions.length];
      before.value = (before.value * a + last.value * b) / (a + b);
      before.positions.push(...last.positions);
    }
  }
  return pools.flatMap(({ value, positions }) => positions.map((n) => ({ positions: n, value })));
}
