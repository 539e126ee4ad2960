import * as v from "valibot";
import type { ProfileKey } from "../contracts/environment.ts";
import { count, environmentSchema, finite, nonNegative, positions, positive } from "./persisted.ts";

/** Bumped whenever the persisted shape changes; entries of another version are a miss. */
export const PROFILE_VERSION = 1;

/** The values of epsilon that every profile reports: n is near-free when r(n) <= 1 + epsilon. */
export const EPSILONS = [0.05, 0.1, 0.2, 0.5] as const;
export const DEFAULT_EPSILON = 0.1;

/** How far a figure can be trusted. `certified`: the interval decides. `~`: within 2% either way. `budget`: stopped by the budget. `unresolvable`: noise. */
const level = v.picklist(["certified", "~", "budget", "unresolvable"]);

const keySchema = v.strictObject({
  environment: environmentSchema,
  model: v.string(),
  cell: v.strictObject({ contextLength: count, batch: positions }),
  method: count,
});

/** One measured n. Ratios are r(n) = T(n)/T(1). */
const pointSchema = v.strictObject({
  positions,
  ratio: positive,
  low: positive,
  high: positive,
  samples: count,
  level,
  /** The samples themselves, log T(n)/T(1), so that another epsilon or a resumed run needs no new measurement. */
  logRatios: v.optional(v.array(finite)),
});

/** A run of n at one cost: `from`..`to` inclusive at r = `ratio`. `to` is the right edge; `confirmed` by pairing the two sides of the step after it. */
const stairSchema = v.strictObject({ from: positions, to: positions, ratio: positive, confirmed: v.boolean() });

/** Confirmed by direct pairs: running `positions` rows as `cheaper` (> positions) costs `ratio` < 1 of running them as they are. */
const inversionSchema = v.strictObject({ positions, cheaper: positions, ratio: positive, pairs: count });

const boundarySchema = v.strictObject({
  epsilon: positive,
  /** Largest N such that every n <= N is near-free. */
  prefixFree: positions,
  level,
  /** All ranges [first, last] of near-free n among the measured ones, `prefixFree`'s first: a curve may leave and re-enter. */
  freeSet: v.optional(v.array(v.tuple([positions, positions]))),
});

const invarianceSchema = v.strictObject({
  /** Sets of n for which a row's logits are bit for bit the same; each sorted, the first holds n = 1. Empty where the probe has no logits. */
  classes: v.array(v.array(positions)),
  /** Largest absolute difference of a logit from the same row run by itself. */
  maxDifference: nonNegative,
  /** Rows compared with the same rows run one at a time (none: nothing is known), and those whose argmax differs. */
  rows: count,
  argmaxFlips: count,
  /** Why rows of one forward depend on each other, in words: then only one position is right. */
  dependent: v.optional(v.string()),
  /** Kernels whose rows differ between row counts by more than fp32 rounding, in words: rows that agree say little of others. */
  coarse: v.optional(v.string()),
});

const profileSchema = v.strictObject({
  version: v.literal(PROFILE_VERSION),
  key: keySchema,
  /** What people call the model that was measured: a name, never a path. Information only: never part of the key. */
  label: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(200))),
  /** ISO 8601. Information only: never part of the key. */
  measuredAt: v.string(),
  /** ISO 8601: when a few samples last agreed with it on this machine. Information only, as `measuredAt`. */
  confirmedAt: v.optional(v.string()),
  /** Came in a bundle, and nothing on this machine has confirmed it: see `profileStanding`. */
  imported: v.optional(v.literal(true)),
  /** Nothing was measured: the curve follows from the graph and what is known of the device. See `profileStanding`. */
  predicted: v.optional(v.literal(true)),
  /** T(1) in ms: the median of the samples that count. */
  baseMs: positive,
  /** First, unwarmed forward of one position in ms. */
  coldMs: nonNegative,
  /** Sorted by positions, n = 1 first with ratio 1. */
  points: v.pipe(v.array(pointSchema), v.minLength(1)),
  boundaries: v.array(boundarySchema),
  stairs: v.optional(v.array(stairSchema)),
  inversions: v.optional(v.array(inversionSchema)),
  /** The modal stair width: rows that the kernels really compute at a time. Absent where too few stairs were seen. */
  granularity: v.optional(positions),
  /**
   * Of a mixture of experts whose routing was measured: experts of a layer that n consecutive positions of real text wake, [n-1],
   * the mean over its layers.
   */
  uniqueExperts: v.optional(v.pipe(v.array(positive), v.minLength(1))),
  /**
   * Of a graph rewritten for its KV cache (the key's `kvCache` names the form), where it ran beside the original: rows compared, those
   * with another arg max, the largest difference as a share of a row's spread; and how many times as fast its forwards are, where that
   * was measured.
   */
  rewrite: v.optional(
    v.strictObject({ rows: count, flips: count, largestError: nonNegative, speed: v.optional(positive) }),
  ),
  /** What balance alone predicts: balance * bytes per weight / 2 positions. */
  idleCompute: v.strictObject({
    positions,
    flopsPerSecond: positive,
    bytesPerSecond: positive,
    bytesPerWeight: positive,
  }),
  invariance: invarianceSchema,
  run: v.strictObject({
    forwards: count,
    /** Forwards beside them, run to compare rows. */
    compared: v.optional(count),
    ms: nonNegative,
    discards: count,
    /** Change of T(1) from the first to the last anchors, as a ratio minus 1. */
    drift: finite,
    /** Smallest ratio that could be told apart from 1 on this machine. */
    smallestRatio: v.optional(v.pipe(finite, v.minValue(1))),
    /** Other work took CPU time from the measurement, another calibration perhaps: see `isTrusted`. */
    busy: v.optional(v.literal(true)),
    /** Why measuring stopped. */
    stop: v.optional(v.picklist(["decided", "forwards", "time", "aborted", "unresolvable"])),
  }),
});

/** The measurement of one cell: what is stored, shipped and scheduled from. */
export type Profile = v.InferOutput<typeof profileSchema>;
export type CurvePoint = v.InferOutput<typeof pointSchema>;
export type Boundary = v.InferOutput<typeof boundarySchema>;
export type Invariance = v.InferOutput<typeof invarianceSchema>;
export type Level = CurvePoint["level"];
export type Stair = v.InferOutput<typeof stairSchema>;
export type Inversion = v.InferOutput<typeof inversionSchema>;
/** Why a calibration stopped measuring. */
export type Stop = NonNullable<Profile["run"]["stop"]>;

/** What a calibration measures: a profile without its key, label, date and the baseline it is compared with. */
export type Measurement = Omit<Profile, "version" | "key" | "label" | "measuredAt" | "idleCompute" | "rewrite">;

/** Parses what came from a store or a file. Anything that is not a whole, consistent profile is `undefined`, never an exception. */
export function parseProfile(value: unknown): Profile | undefined {
  const result = v.safeParse(profileSchema, value);
  if (!result.success) return undefined;
  const { points, invariance } = result.output;
  const sorted = points.every((point, i) => i === 0 || point.positions > (points[i - 1]?.positions ?? 0));
  const bracketed = points.every((point) => point.low <= point.ratio && point.ratio <= point.high);
  if (!sorted || !bracketed || points[0]?.positions !== 1) return undefined;
  if (invariance.argmaxFlips > invariance.rows) return undefined;
  return result.output;
}

/** The boundary for `epsilon`, from the points: the last n before the first measured point above 1 + epsilon. */
export function prefixFree(profile: Pick<Profile, "points">, epsilon: number): number {
  let last = 1;
  for (const point of profile.points) {
    if (point.ratio > 1 + epsilon) break;
    last = point.positions;
  }
  return last;
}

// The schema is the source of truth for the key's shape too: this line fails to compile when they part.
const _keyMatches: (key: v.InferOutput<typeof keySchema>) => ProfileKey = (key) => key;
void _keyMatches;
