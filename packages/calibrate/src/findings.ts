import { type Boundary, EPSILONS, type Inversion, type Measurement, type Stop } from "@nearfree/core";
import { boundaryOf, curvePoints } from "./decide.ts";
import type { InvarianceRecorder } from "./invariance.ts";
import type { Meter } from "./meter.ts";
import { smallestRatioOf } from "./qualify.ts";
import type { Samples } from "./samples.ts";
import { findStairs, modalWidth, stepPoints } from "./stairs.ts";
import { median } from "./stats.ts";

/** Anchors at either end that are compared for drift. */
const DRIFT_ANCHORS = 5;

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
  const baseMs = [...findings.baseMs, ...samples.anchorsMs];
  const smallestRatio = Math.max(
    1,
    finiteOr(smallestRatioOf(samples.noiseScale), findings.smallestRatio ?? Number.NaN),
  );
  const stairs = findStairs(stepPoints(samples));
  const granularity = modalWidth(stairs);
  const wanted = [...new Set([...EPSILONS, epsilon])].sort((a, b) => a - b);
  return {
    baseMs: median(baseMs),
    coldMs,
    points: curvePoints(samples, epsilon).map((point) =>
      stop === "unresolvable" && point.positions > 1 ? { ...point, level: "unresolvable" } : point,
    ),
    boundaries: wanted.map((value) => {
      const boundary = resolvedBoundary(boundaryOf(samples, value, maxPositions), smallestRatio, stop);
      return value === epsilon && findings.certified !== undefined ? capped(boundary, findings.certified) : boundary;
    }),
    stairs,
    inversions: [...findings.inversions].sort((a, b) => a.positions - b.positions),
    ...(granularity !== undefined && { granularity }),
    invariance: invariance.result(),
    run: {
      forwards: meter.forwards,
      ms: meter.elapsedMs,
      discards: samples.discards,
      drift: median(baseMs.slice(-DRIFT_ANCHORS)) / median(baseMs.slice(0, DRIFT_ANCHORS)) - 1,
      ...(Number.isFinite(smallestRatio) && { smallestRatio }),
      stop,
    },
  };
}

/** Where noise hides half of epsilon, and the points do not decide all the same, there is no answer: one position is safe. */
function resolvedBoundary(boundary: Boundary, smallestRatio: number, stop: Stop): Boundary {
  const hidden = smallestRatio > 1 + boundary.epsilon / 2 && boundary.level !== "certified";
  if (!hidden && stop !== "unresolvable") return boundary;
  return { ...boundary, prefixFree: 1, level: "unresolvable", freeSet: [[1, 1]] };
}

/** A boundary that claims no more than what the test passed; `budget` where the sweep had found more. */
function capped(boundary: Boundary, certified: number): Boundary {
  if (boundary.level === "unresolvable") return boundary;
  if (boundary.prefixFree <= certified) return { ...boundary, level: "certified" };
  return { ...boundary, prefixFree: certified, freeSet: [[1, certified]], level: "budget" };
}

function finiteOr(value: number, otherwise: number): number {
  return Number.isFinite(value) ? value : otherwise;
}
