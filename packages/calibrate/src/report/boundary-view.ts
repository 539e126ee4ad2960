import { EPSILONS, type Level, type Profile, prefixFree } from "@nearfree/core";

/** A boundary as reports show it: always with its ranges, and with the reason for doubt where there is one. */
export interface BoundaryView {
  readonly epsilon: number;
  readonly prefixFree: number;
  readonly level: Level;
  /** `prefixFree`'s range first. */
  readonly freeSet: readonly (readonly [number, number])[];
}

/** Sign before a figure that no interval decides. */
export const DOUBT: Readonly<Record<Level, string>> = { certified: "", "~": "~", budget: "~", unresolvable: "?" };

/** What a level says, for people. */
export const LEVEL_TEXT: Readonly<Record<Level, string>> = {
  certified: "decided",
  "~": "within 2% of cost",
  budget: "budget spent",
  unresolvable: "lost in noise",
};

/** The boundary of `profile` for `epsilon`. One that was not decided when measuring is read off the curve, and marked `~`. */
export function boundaryView(profile: Pick<Profile, "points" | "boundaries">, epsilon: number): BoundaryView {
  const found = profile.boundaries.find((boundary) => boundary.epsilon === epsilon);
  const last = found?.prefixFree ?? prefixFree(profile, epsilon);
  return { epsilon, prefixFree: last, level: found?.level ?? "~", freeSet: found?.freeSet ?? [[1, last]] };
}

/** The boundaries of every epsilon that reports show, and of those that this profile was measured for besides. */
export function boundaryViews(profile: Pick<Profile, "points" | "boundaries">): BoundaryView[] {
  const epsilons = new Set([...EPSILONS, ...profile.boundaries.map(({ epsilon }) => epsilon)]);
  return [...epsilons].sort((a, b) => a - b).map((epsilon) => boundaryView(profile, epsilon));
}
