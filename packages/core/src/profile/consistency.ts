import { expectedTokens } from "./expected-tokens.ts";
import type { Profile } from "./profile.ts";

/** What the caller asks for. */
export type Consistency = "auto" | "bitwise" | "tolerant";

/** Largest difference of a logit that fp32 rounding explains. */
export const ROUNDING_DIFFERENCE = 1e-3;

/** Acceptance of a draft token assumed when classes are compared, before anything was drafted. */
const ASSUMED_ACCEPTANCE = 0.6;

/**
 * Fewest members of a class that a run may switch between. Where routing makes every n differ, two small n agree by chance when their
 * rows wake no expert in common: n = 2 has five rows to compare in all. A third that agrees with both has more.
 */
const LEAST_CLASS = 3;

/**
 * `auto` made definite: tolerant where rows were compared in every cell, differ from single ones by rounding alone, and no argmax flipped.
 * Coarse kernels are never tolerated: one row in a hundred may differ by a thousand times more than the rest.
 */
export function resolveConsistency(asked: Consistency, profiles: readonly Profile[]): "bitwise" | "tolerant" {
  if (asked !== "auto") return asked;
  const harmless = profiles.every(
    ({ invariance: { rows, argmaxFlips, maxDifference, dependent, coarse } }) =>
      rows > 0 &&
      argmaxFlips === 0 &&
      maxDifference <= ROUNDING_DIFFERENCE &&
      dependent === undefined &&
      coarse === undefined,
  );
  return harmless ? "tolerant" : "bitwise";
}

/**
 * The row counts that a bitwise run may use: the invariance class that serves speculation best.
 *
 * A function of the profiles alone, never of a policy or of what was observed: every scheduler over the same profiles uses
 * the same class, so a scheduled run and a fixed run give the same bits. Only row counts that were compared in every
 * profile count; where too few agree, rows depend on each other or nothing was compared, only n = 1 is left. Classes are compared by the best E(n)/T(n) at an assumed acceptance.
 */
export function invariantRows(profiles: readonly Profile[]): readonly number[] {
  if (profiles.some(({ invariance }) => invariance.dependent !== undefined || invariance.rows === 0)) return [1];
  const classes = new Map<string, number[]>();
  for (const n of profiles[0]?.invariance.classes.flat() ?? []) {
    const label = profiles.map(({ invariance }) => invariance.classes.findIndex((members) => members.includes(n)));
    if (label.includes(-1)) continue;
    const key = label.join();
    const members = classes.get(key) ?? [];
    members.push(n);
    classes.set(key, members);
  }
  let best: readonly number[] = [1];
  let bestValue = Math.min(...profiles.map((profile) => bestRate(best, profile)));
  for (const members of classes.values()) {
    if (members.length < LEAST_CLASS) continue;
    const value = Math.min(...profiles.map((profile) => bestRate(members, profile)));
    if (value <= bestValue) continue;
    bestValue = value;
    best = members.sort((a, b) => a - b);
  }
  return best;
}

/** Best expected tokens per T(1), over the measured members of a class. */
function bestRate(members: readonly number[], profile: Profile): number {
  let best = Number.NEGATIVE_INFINITY;
  for (const { positions, ratio } of profile.points) {
    if (!members.includes(positions)) continue;
    best = Math.max(best, expectedTokens(positions, ASSUMED_ACCEPTANCE) / ratio);
  }
  return best;
}
