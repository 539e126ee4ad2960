import type { ObservableScheduler } from "../contracts/observable-scheduler.ts";
import { refuse } from "../contracts/refuse.ts";
import type { Consistency } from "../profile/consistency.ts";
import { invariantRows, resolveConsistency } from "../profile/consistency.ts";
import { createCostCurve, DEFAULT_MAX_POSITIONS } from "../profile/curve.ts";
import { listProfiles } from "../profile/list-profiles.ts";
import type { Profile } from "../profile/profile.ts";
import { DEFAULT_EPSILON } from "../profile/profile.ts";
import type { SharedLearning } from "./curve-scheduler.ts";
import { CurveScheduler } from "./curve-scheduler.ts";
import { FixedScheduler } from "./fixed-scheduler.ts";
import { LearnedCurve } from "./learning/learned-curve.ts";
import { bestValue } from "./policy/best-value.ts";
import { fixed } from "./policy/fixed.ts";
import { latency } from "./policy/latency.ts";
import { nearFree } from "./policy/near-free.ts";
import type { Policy } from "./policy/policy.ts";

interface CommonOptions {
  /**
   * The model's profile, or several that differ in context length only. Without one: one position at a time; or, where
   * `consistency` is `tolerant`, costs are learned on the way, by probes within 3% of the time.
   */
  readonly profile?: Profile | readonly Profile[] | undefined;
  /**
   * `bitwise`: rows of one invariance class only, so no schedule changes a bit of the output. `tolerant`: any rows.
   * Default `auto`: tolerant where the profiles' classes differ by rounding alone and no argmax flipped, else bitwise.
   */
  readonly consistency?: Consistency;
  /** Most positions of a plan. Default 32, and never more than were measured. */
  readonly maxPositions?: number;
  /** What `near-free` allows. Default 0.1. */
  readonly epsilon?: number;
}

export type SchedulerOptions = CommonOptions &
  (
    | { readonly policy?: "best-value" | "near-free" | Policy }
    | { readonly policy: "fixed"; readonly positions: number }
    | { readonly policy: "latency"; readonly latencyMs: number }
  );

/**
 * A scheduler for sequences that are decoded one after the other. Its guard follows one text, and its costs compare neighbouring
 * forwards: steps of several sequences in turns would mislead both. For those take `createInterleavedSchedulers`, a scheduler each;
 * for several in one forward, `createBatchScheduler`.
 *
 * @throws NearfreeError `invalid-argument` for an option outside its range, profiles that do not belong together,
 *   or `bitwise` without a profile to read the invariance classes from.
 */
export function createScheduler(options: SchedulerOptions = {}): ObservableScheduler {
  return buildScheduler(options, {});
}

/** `createScheduler` for schedulers that learn something together. */
export function buildScheduler(options: SchedulerOptions, shared: SharedLearning): ObservableScheduler {
  const policy = createPolicy(options);
  const maxPositions = options.maxPositions ?? DEFAULT_MAX_POSITIONS;
  if (!Number.isSafeInteger(maxPositions) || maxPositions < 1) {
    refuse("maxPositions", "an integer of at least 1", maxPositions, "leave it out for the default");
  }
  const profiles = listProfiles(options.profile);
  if (profiles.length === 0) {
    if (options.consistency === "bitwise") {
      refuse("consistency", "a profile with bitwise", "none", "calibrate first, or choose 'tolerant'");
    }
    if (options.policy === "fixed") return new FixedScheduler(options.positions, undefined);
    // Nothing is known of invariance either: only who tolerates any rows may have them tried.
    const learns =
      options.consistency === "tolerant" && (policy.reason === "best-value" || policy.reason === "near-free");
    return learns && maxPositions > 1
      ? new CurveScheduler(policy, new LearnedCurve(maxPositions), "tolerant", { survival: shared.survival })
      : new FixedScheduler(1, "no-profile");
  }
  const consistency = resolveConsistency(options.consistency ?? "auto", profiles);
  if (options.policy === "fixed" && consistency === "tolerant") return new FixedScheduler(options.positions, undefined);
  const rows = consistency === "bitwise" ? invariantRows(profiles) : undefined;
  return new CurveScheduler(policy, createCostCurve(profiles, { maxPositions, rows }), consistency, shared);
}

function createPolicy(options: SchedulerOptions): Policy {
  switch (options.policy) {
    case undefined:
    case "best-value":
      return bestValue();
    case "near-free":
      return nearFree(options.epsilon ?? DEFAULT_EPSILON);
    case "fixed":
      return fixed(options.positions);
    case "latency":
      return latency(options.latencyMs);
    default:
      if (typeof options.policy?.choose === "function") return options.policy;
      return refuse(
        "policy",
        "best-value, near-free, latency, fixed or a Policy",
        String(options.policy),
        "pass one of these",
      );
  }
}
