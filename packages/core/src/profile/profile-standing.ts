import type { CurvePoint, Profile } from "./profile.ts";

/** How far a stored profile may be relied on. */
export type ProfileStanding =
  /** Measured in this environment, to its end or to its budget. */
  | "whole"
  /** Cut short by an abort: its samples count when measuring goes on, its boundaries are no answer. */
  | "partial"
  /** Noise hid the answer, or it says what cannot be (see `LEAST_RATIO`): nothing of it counts, it is measured anew. */
  | "unresolved"
  /** Came in a bundle: to be used once a few samples taken on this machine agree with it. */
  | "imported"
  /** Measured nowhere: to start from until a measured one takes its place. It replaces none, and saves no measurement. */
  | "predicted";

/**
 * Several rows for less than this share of the price of one: no kernel does that. What shows it was measured while T(1) and T(n) were not
 * the same machine's, so it is doubt and no finding.
 */
export const LEAST_RATIO = 2 / 3;

/** How long a profile that was measured or confirmed here is used without a look at the machine. */
export const TRUST_MS = 24 * 3_600_000;

/** The standing of a profile. A store keeps any kind; only a `whole` one saves the measurement. */
export function profileStanding({
  imported,
  points = [],
  predicted,
  run,
}: Pick<Profile, "imported" | "predicted" | "run"> & Partial<Pick<Profile, "points">>): ProfileStanding {
  if (predicted === true) return "predicted";
  if (run.stop === "unresolvable" || points.some(isImpossible)) return "unresolved";
  if (run.stop === "aborted") return "partial";
  return imported === true ? "imported" : "whole";
}

/**
 * Whether a stored profile is used as it is at `nowMs` (of `Date.now`): it is whole, no other work disturbed it, and it was measured or
 * confirmed within the last day. Any other waits for a canary.
 */
export function isTrusted(profile: Profile, nowMs: number): boolean {
  if (profileStanding(profile) !== "whole" || profile.run.busy === true) return false;
  const age = nowMs - Date.parse(profile.confirmedAt ?? profile.measuredAt);
  // A time to come, or none, says nothing.
  return age >= 0 && age <= TRUST_MS;
}

/** Whether a point says what cannot be. */
export function isImpossible({ positions, ratio }: Pick<CurvePoint, "positions" | "ratio">): boolean {
  return positions > 1 && ratio < LEAST_RATIO;
}
