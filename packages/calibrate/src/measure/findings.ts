import {
  type Boundary,
  EPSILONS,
  type Invariance,
  type Inversion,
  LEAST_RATIO,
  type Measurement,
  type Stop,
} from "@nearfree/core";
import { boundaryOf, CLOSE_ENOUGH, curvePoints } from "./decide.ts";
import type { InvarianceRecorder } from "./invariance.ts";
import type { Meter } from "./meter.ts";
import { smallestRatioOf } from "./qualify.ts";
import type { Samples } from "./statistics/samples.ts";
import { findStairs, modalWidth, type Step, stepPoints } from "./statistics/stairs.ts";
import { median } from "./statistics/stats.ts";

/** Anchors at either end that are compared for drift. */
const DRIFT_ANCHORS = 5;

const NOTHING_COMPARED: Invariance = { classes: [[1]], maxDifference: 0, rows: 0, argmaxFlips: 0 };

/** What a calibration knows so far. */
export interface Findings {
  readonly samples: Samples;
  readonly invariance: InvarianceRecorder;
  /** Ms of warm forwards of one position, before the anchors. */
  baseMs: readonly number[];
  /** Ms of the very first forward. */
  coldMs: number;
  /** Confirmed by direct pairs. */
  readonly inversions: Inversion[];
  readonly steps: Step[];
  /** Largest n that an anytime-valid test passed, and every measured one below it; undefined where none was asked for. */
  certified: number | undefined;
  /** Of the A/A test; undefined before it. */
  smallestRatio: number | undefined;
}

/** The measured part of a profile, as far as the findings reach. */
export function summarise(
  findings: Findings,
  meter: Meter,
  { epsilon, maxPositions }: { readonly epsilon: number; readonly maxPositions: number },
  stop: Stop,
): Measurement {
  const { samples, invariance, coldMs } = findings;
  // The A/A timings are anchors too, once they are taken.
  const baseMs = samples.anchorsMs.length > 0 ? samples.anchorsMs : findings.baseMs;
  const smallestRatio = Math.max(
    1,
    finiteOr(smallestRatioOf(samples.noiseScale), findings.smallestRatio ?? Number.NaN),
  );
  const wanted = [...new Set([...EPSILONS, epsilon])].sort((a, b) => a - b);
  const found = wanted.map((value) => boundaryOf(samples, value, maxPositions));
  // T(1) and T(n) were not the same machine's: then nothing of the run can be told from it.
  const impossible = curvePoints(samples, epsilon).some(({ positions, ratio }) => positions > 1 && ratio < LEAST_RATIO);
  const unanswered = found.some((boundary) => boundary.epsilon === epsilon && isHidden(boundary, smallestRatio));
  const end = (unanswered || impossible) && stop !== "aborted" ? "unresolvable" : stop;
  const stairs = findStairs(stepPoints(samples), findings.steps);
  const granularity = modalWidth(stairs);
  return {
    baseMs: median(baseMs),
    coldMs,
    points: curvePoints(samples, epsilon).map((point) =>
      end === "unresolvable" && point.positions > 1 ? { ...point, level: "unresolvable" } : point,
    ),
    boundaries: found.map((each) => {
      const boundary = end === "unresolvable" || isHidden(each, smallestRatio) ? unresolved(each) : each;
      return each.epsilon === epsilon && findings.certified !== undefined
        ? capped(boundary, findings.certified, samples)
        : boundary;
    }),
    stairs,
    inversions: [...findings.inversions].sort((a, b) => a.positions - b.positions),
    ...(granularity !== undefined && { granularity }),
    // Rows that were not compared at every place prove nothing: the next run compares them.
    invariance: end === "aborted" ? NOTHING_COMPARED : invariance.result(),
    run: {
      forwards: meter.forwards,
      ...(meter.compared > 0 && { compared: meter.compared }),
      ms: meter.elapsedMs,
      discards: samples.discards,
      drift: median(baseMs.slice(-DRIFT_ANCHORS)) / median(baseMs.slice(0, DRIFT_ANCHORS)) - 1,
      ...(Number.isFinite(smallestRatio) && { smallestRatio }),
      stop: end,
    },
  };
}

/** Noise hides half of epsilon, and the points do not decide all the same. */
function isHidden({ epsilon, level }: Boundary, smallestRatio: number): boolean {
  return level === "budget" && smallestRatio > 1 + epsilon / 2;
}

/** Where there is no answer one position is safe. */
function unresolved(boundary: Boundary): Boundary {
  return { ...boundary, prefixFree: 1, level: "unresolvable", freeSet: [[1, 1]] };
}

/** A boundary that claims no more than what the test passed: `~` where the next n is too close to call, `budget` where it was not reached. */
function capped(boundary: Boundary, certified: number, samples: Samples): Boundary {
  const { epsilon, prefixFree, level } = boundary;
  if (level === "unresolvable") return boundary;
  if (prefixFree <= certified) return { ...boundary, level: "certified" };
  const next = samples.measured.find((n) => n > certified)!;
  const distance = Math.abs(samples.estimate(next).centre - Math.log1p(epsilon));
  const close = distance <= 2 * Math.log1p(CLOSE_ENOUGH);
  return { ...boundary, prefixFree: certified, freeSet: [[1, certified]], level: close ? "~" : "budget" };
}

function finiteOr(value: number, otherwise: number): number {
  return Number.isFinite(value) ? value : otherwise;
}
