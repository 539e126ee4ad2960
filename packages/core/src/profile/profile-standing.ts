import type { Profile } from "./profile.ts";

/** How far a stored profile may be relied on. */
export type ProfileStanding =
  /** Measured in this environment, to its end or to its budget. */
  | "whole"
  /** Cut short, or hidden by noise: its samples count when measuring goes on, its boundaries are no answer. */
  | "partial"
  /** Came in a bundle: to be used once a few samples taken on this machine agree with it. */
  | "imported"
  /** Measured nowhere: to start from until a measured one takes its place. It replaces none, and saves no measurement. */
  | "predicted";

/** The standing of a profile. A store keeps any kind; only a `whole` one saves the measurement. */
export function profileStanding({
  imported,
  predicted,
  run,
}: Pick<Profile, "imported" | "predicted" | "run">): ProfileStanding {
  if (predicted === true) return "predicted";
  if (run.stop === "aborted" || run.stop === "unresolvable") return "partial";
  return imported === true ? "imported" : "whole";
}
