import { type Clock, DEFAULT_EPSILON, NearfreeError, type Profile, prefixFree } from "@nearfree/core";
import type { Probe } from "@nearfree/core/measure";
import { CellRun } from "../measure/cell-run.ts";
import { clockGrain, fitGroup } from "../measure/clock-grain.ts";
import { recordTogether } from "../measure/compare-rows.ts";
import { InvarianceRecorder } from "../measure/invariance.ts";
import { MeasuringStopped, Meter } from "../measure/meter.ts";
import { testAgainstItself } from "../measure/qualify.ts";
import { createRandom } from "../measure/statistics/random.ts";
import { Samples } from "../measure/statistics/samples.ts";
import { median } from "../measure/statistics/stats.ts";
import { warmUp } from "../measure/warm-up.ts";

/** How far a cost ratio measured here may lie from the profile's interval: what a curve moves by between minutes on one machine. */
export const CANARY_TOLERANCE = 0.08;
/** Samples of each n: before a verdict, and at most. */
const MIN_SAMPLES = 4;
const MAX_ROUNDS = 16;
/** A machine that is so many times faster than when it was measured was not itself then: other work only ever slows it. */
const SLOWED = 1.25;
/** Past either, the machine is too busy for a verdict. */
const BUDGET = { forwards: 160, ms: 20_000 };

/** What a few samples taken here say of a profile from elsewhere. */
export type CanaryVerdict =
  | { readonly verdict: "agrees" }
  /** `reason`: what differs, here and in the profile. */
  | { readonly verdict: "differs"; readonly reason: string }
  /** Noise, or a profile that claims nothing: no ground to trust it, none to call it wrong. */
  | { readonly verdict: "unresolvable"; readonly reason: string };

/**
 * Tests a profile where it matters: the cost of its boundary and of the first n beyond against n = 1, in anchored pairs, and
 * whether these n share the bits of their rows as it says. Some 50 forwards, where a calibration takes 240.
 *
 * @throws NearfreeError `aborted`. What the probe throws passes through.
 */
export async function runCanary(
  probe: Probe,
  profile: Profile,
  { clock, signal, own = false }: CanaryOptions,
): Promise<CanaryVerdict> {
  const claims = claimsOf(profile).filter(({ positions }) => positions <= probe.maxPositions);
  if (claims.length === 0) return unresolvable("it says nothing of more than one position");
  if (signal?.aborted) throw aborted();
  await probe.prepare(1);
  try {
    const slowestMs = own ? profile.baseMs / SLOWED : 0;
    return await testClaims(probe, new Meter(probe, clock, BUDGET, signal), clock, profile, claims, slowestMs);
  } catch (error) {
    if (!(error instanceof MeasuringStopped)) throw error;
    if (error.stop === "aborted") throw aborted();
    return unresolvable("the machine is too busy to tell");
  }
}

export interface CanaryOptions {
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  /** The profile was measured on this machine: then T(1) must not be far below what it says. Default false. */
  readonly own?: boolean;
}

interface Claim {
  readonly positions: number;
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
}

/** The points at and just above the boundary of the default epsilon. */
function claimsOf(profile: Profile): Claim[] {
  const boundary = profile.boundaries.find(({ epsilon }) => epsilon === DEFAULT_EPSILON);
  const last = boundary?.prefixFree ?? prefixFree(profile, DEFAULT_EPSILON);
  const at = profile.points.findIndex(({ positions }) => positions > last);
  return profile.points
    .slice(at === -1 ? -1 : at - 1)
    .slice(0, 2)
    .filter(({ positions }) => positions > 1);
}

async function testClaims(
  probe: Probe,
  meter: Meter,
  clock: Clock,
  profile: Profile,
  claims: readonly Claim[],
  slowestMs: number,
): Promise<CanaryVerdict> {
  const samples = new Samples();
  const invariance = new InvarianceRecorder();
  const warm: number[] = [];
  await warmUp(meter, 1, (ms) => warm.push(ms));
  if (probe.rows !== undefined) await recordTogether(invariance, probe.rows, meter, 1);
  if (!(await fitGroup(meter, clockGrain(clock), warm, DEFAULT_EPSILON))) {
    return unresolvable("the clock is too coarse for so fast a model");
  }
  const { baseMs, nullSamples } = await testAgainstItself(meter, DEFAULT_EPSILON);
  samples.addNull(nullSamples);
  const hereMs = median(baseMs);
  if (hereMs < slowestMs)
    return differs(`one position takes ${hereMs.toFixed(3)} ms here, ${profile.baseMs.toFixed(3)} in the profile`);
  const run = new CellRun({ probe, meter, samples, invariance, random: createRandom(1), onWarming: () => {} });
  const positions = claims.map((claim) => claim.positions);
  for (let round = 1; ; round++) {
    await run.measure(positions);
    const bits = differenceInBits(invariance, profile, positions);
    if (bits !== undefined) return bits;
    const verdict = judgeClaims(claims, samples, round === MAX_ROUNDS);
    if (verdict !== undefined) return verdict;
  }
}

/** Undefined while more samples could still decide. */
function judgeClaims(claims: readonly Claim[], samples: Samples, last: boolean): CanaryVerdict | undefined {
  const tolerance = Math.log1p(CANARY_TOLERANCE);
  let open = false;
  for (const { positions, ratio, low, high } of claims) {
    const { centre, halfWidth } = samples.estimate(positions);
    // Outside the profile's own interval: its doubt is no contradiction.
    const beyond = Math.max(Math.log(low) - centre, centre - Math.log(high));
    const enough = samples.count(positions) >= MIN_SAMPLES;
    if (enough && beyond + halfWidth <= tolerance) continue;
    const near = last && enough && halfWidth <= tolerance;
    if (enough && beyond - (near ? 0 : halfWidth) > tolerance) {
      const here = Math.exp(centre).toFixed(2);
      return differs(`${positions} positions cost ${here} times one here, ${ratio.toFixed(2)} times in the profile`);
    }
    if (last && !near) return unresolvable("the machine is too noisy to tell");
    open = true;
  }
  return open && !last ? undefined : { verdict: "agrees" };
}

/** The bits decide what a bitwise schedule may choose, so they must be as the profile says. */
function differenceInBits(
  invariance: InvarianceRecorder,
  profile: Profile,
  positions: readonly number[],
): CanaryVerdict | undefined {
  const known = new Set(profile.invariance.classes.flat());
  const compared = [1, ...positions].filter((n) => known.has(n));
  const found = invariance.result().classes;
  // A probe without logits shows no bits; and what agrees here may have differed elsewhere, where the profile's rows were compared.
  const holds = profile.invariance.classes.every(
    (members) => found.filter((each) => each.some((n) => members.includes(n) && compared.includes(n))).length <= 1,
  );
  if (found.length === 0 || holds) return undefined;
  const here = classesAmong(found, compared);
  const there = classesAmong(profile.invariance.classes, compared);
  return differs(`rows share their bits within ${here} here, within ${there} in the profile`);
}

/** `{1} {4 5}` */
function classesAmong(classes: readonly (readonly number[])[], positions: readonly number[]): string {
  const among = classes.map((members) => members.filter((n) => positions.includes(n)).sort((a, b) => a - b));
  const present = among.filter((members) => members.length > 0).sort(([a = 0], [b = 0]) => a - b);
  return present.map((members) => `{${members.join(" ")}}`).join(" ");
}

function differs(reason: string): CanaryVerdict {
  return { verdict: "differs", reason };
}

function unresolvable(reason: string): CanaryVerdict {
  return { verdict: "unresolvable", reason };
}

function aborted(): NearfreeError {
  return new NearfreeError({
    code: "aborted",
    from: "calibrate",
    what: "check of a stored profile",
    expected: "to run to its end",
    received: "an abort",
    remedy: "start again",
  });
}
