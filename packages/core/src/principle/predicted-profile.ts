import { canonicalJson, type ProfileKey } from "../contracts/environment.ts";
import { type CurvePoint, PROFILE_VERSION, type Profile } from "../profile/profile.ts";
import type { DeviceSignature } from "./device-signature.ts";
import type { GraphSummary } from "./graph-summary.ts";
import type { Prediction } from "./predict.ts";

/** Half-width of the interval that a predicted ratio is given: what a prediction by signature is off by at the median. */
const DOUBT = 0.1;
/** Largest number of positions that a profile can hold. */
const MOST_POSITIONS = 1 << 20;

/**
 * A profile to start from where none was measured, marked `predicted`: the predicted curve, no sample, and no invariance class, so
 * that only a tolerant scheduler takes more than one position from it. `signature` is what `prediction` was made with.
 */
export function predictedProfile(parts: {
  readonly key: ProfileKey;
  readonly prediction: Prediction;
  readonly signature: DeviceSignature;
  readonly summary: GraphSummary;
  readonly predictedAt: Date;
}): Profile {
  const { key, prediction, signature, summary, predictedAt } = parts;
  const { costMs, boundaries, idleCompute } = prediction;
  const baseMs = costMs[0]!;
  const points = costMs.map((ms, i): CurvePoint => {
    const ratio = ms / baseMs;
    const doubt = i === 0 ? 0 : DOUBT;
    const [low, high] = [ratio * (1 - doubt), ratio * (1 + doubt)];
    return { positions: i + 1, ratio, low, high, samples: 0, level: "budget" };
  });
  return {
    version: PROFILE_VERSION,
    key,
    measuredAt: predictedAt.toISOString(),
    predicted: true,
    baseMs,
    coldMs: baseMs,
    points,
    boundaries: boundaries.map(({ epsilon, prefixFree }) => ({ epsilon, prefixFree, level: "budget" })),
    idleCompute: {
      positions: Math.min(MOST_POSITIONS, idleCompute),
      ...balanceOf(prediction, signature),
      bytesPerWeight: summary.weightBytes / Math.max(1, summary.flopsPerPosition / 2),
    },
    invariance: { classes: [], maxDifference: 0, rows: 0, argmaxFlips: 0 },
    run: { forwards: 0, ms: 0, discards: 0, drift: 0 },
  };
}

/** FLOP/s and bytes/s of the class that costs most. */
function balanceOf(
  { modules }: Prediction,
  { kernels }: DeviceSignature,
): { readonly flopsPerSecond: number; readonly bytesPerSecond: number } {
  for (const { kernel } of modules) {
    const found = kernel && kernels.find((each) => canonicalJson(each.kernel) === canonicalJson(kernel));
    if (found) return { flopsPerSecond: found.flopsPerSecond, bytesPerSecond: found.bytesPerSecond.beyond };
  }
  return { flopsPerSecond: 1, bytesPerSecond: 1 };
}
