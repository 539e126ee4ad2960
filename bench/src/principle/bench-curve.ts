import { calibrate, median } from "@nearfree/calibrate";
import type { Clock, Measurement } from "@nearfree/core";
import type { Probe } from "@nearfree/core/measure";
import { type DeviceSignature, type GraphSummary, type Prediction, predict, summaryIn } from "@nearfree/core/principle";
import { isRight } from "../calibration/score.ts";
import type { GraphForm } from "./principle-models.ts";
import { type Rival, rivalsOf } from "./rivals.ts";

export const CASE_EPSILONS = [0.1, 0.2] as const;
const MAX_POSITIONS = 64;
/** Costs of one stair lie this close together: see calibration-score.ts. */
const SAME_COST = 1.02;

/** One curve: a model or a module in one environment at one context. */
export interface Curve {
  readonly name: string;
  /** `dense`, `moe` or `attention`: the rows of the paper. */
  readonly family: string;
  readonly scope: "model" | "module";
  readonly ep: string;
  readonly threads: number;
  readonly contextLength: number;
  /** The graph that was measured and priced. */
  readonly form: GraphForm;
  readonly predictedMs: readonly number[];
  /** T(1) as calibrated. */
  readonly measuredMs: number;
  readonly points: readonly { readonly positions: number; readonly ratio: number }[];
  /** Median over the measured n of |predicted / measured - 1|: of T(n) itself, and of r(n), where the machine's speed of the minute cancels. */
  readonly tError: number;
  readonly ratioError: number;
  /** Of a rewritten graph: `tError` of what the original one would be predicted to cost. */
  readonly originalTError?: number;
  /** False where the machine was too busy to tell any boundary: `cases` is then empty. */
  readonly resolved: boolean;
  readonly cases: readonly Case[];
}

/** One boundary of a curve. */
export interface Case {
  readonly epsilon: number;
  readonly predicted: number;
  readonly measured: number;
  readonly idleCompute: number;
  readonly limit: string;
  readonly sameStair: boolean;
  /** Right by the rule that calibrations are judged by: the cost at the boundary and that beyond lie on their sides of the threshold, within 2%. */
  readonly right: boolean;
  /** Idle compute over measured. */
  readonly overPrediction: number;
  readonly rivals: Readonly<
    Record<string, { readonly boundary: number; readonly sameStair: boolean; readonly ratioError: number }>
  >;
}

type Label = "name" | "family" | "scope" | "ep" | "threads" | "contextLength" | "form";

export interface CurveOptions extends Pick<Curve, Label> {
  readonly budgetMs: number;
  /** Experts that real text wakes, [n-1], of a mixture whose routing was measured: no forward of this model was timed for it. */
  readonly uniqueExperts?: readonly number[] | undefined;
  /** Monotonic, in ms. Default `performance.now`. */
  readonly clock?: Clock;
}

/**
 * Measures one curve with the code that measures whole models, and sets what was predicted beside it. `summary` is of the original
 * graph. Nothing of the
 * prediction is adjusted to the minute: it is what `nearfree predict` would say.
 */
export async function benchCurve(
  probe: Probe,
  summary: GraphSummary,
  signature: DeviceSignature,
  { budgetMs, uniqueExperts, clock = () => performance.now(), ...labels }: CurveOptions,
): Promise<Curve> {
  const cell = { contextLength: labels.contextLength, batch: 1 };
  const measurement = await calibrate(probe, { clock, cell, maxPositions: MAX_POSITIONS, budget: { ms: budgetMs } });
  const by = (form: GraphForm, routing: readonly number[] | undefined) =>
    predict(summaryIn(summary, form), signature, cell, {
      epsilons: CASE_EPSILONS,
      maxPositions: MAX_POSITIONS,
      uniqueExperts: routing,
    });
  const { form } = labels;
  return compare(labels, {
    prediction: by(form, uniqueExperts),
    measurement,
    ...(form !== "original" && { asOriginal: by("original", uniqueExperts) }),
    rivals: [
      ...rivalsOf(summaryIn(summary, form), signature, cell),
      ...(uniqueExperts ? [{ name: "even-routing", costMs: by(form, undefined).costMs }] : []),
    ],
  });
}

interface Compared {
  readonly prediction: Prediction;
  readonly measurement: Measurement;
  /** Of a rewritten graph: what the original would be predicted to cost. */
  readonly asOriginal?: Prediction;
  readonly rivals: readonly Rival[];
}

function compare(labels: Pick<Curve, Label>, { prediction, measurement, asOriginal, rivals }: Compared): Curve {
  const { baseMs: measuredMs } = measurement;
  const points = measurement.points.map(({ positions, ratio }) => ({ positions, ratio }));
  const beyondOne = points.filter(({ positions }) => positions > 1);
  const errorOf = (list: typeof points, predicted: (n: number) => number, unit: number) =>
    median(list.map(({ positions, ratio }) => Math.abs(predicted(positions) / (ratio * unit) - 1)));
  const tErrorOf = ({ costMs }: Prediction) => errorOf(points, (n) => costMs[n - 1]!, measuredMs);
  const ratioErrorOf = (cost: readonly number[]) => errorOf(beyondOne, (n) => cost[n - 1]! / cost[0]!, 1);
  const cases = CASE_EPSILONS.flatMap((epsilon): Case[] => {
    const boundary = measurement.boundaries.find((one) => one.epsilon === epsilon)!;
    // Where the machine was too busy for a boundary nothing is right or wrong.
    if (beyondOne.length === 0 || boundary.level === "unresolvable") return [];
    const { prefixFree: measured } = boundary;
    const same = (other: number) => isSameStair(other, measured, measurement);
    const { prefixFree: predicted, limit } = prediction.boundaries.find((one) => one.epsilon === epsilon)!;
    const idle = Math.min(prediction.idleCompute, Number.MAX_SAFE_INTEGER);
    return [
      {
        epsilon,
        predicted,
        measured,
        idleCompute: idle,
        limit: limit === undefined ? "none" : `${limit.module}: ${limit.mechanism}`,
        sameStair: same(predicted),
        right: isRight(predicted, (n) => ratioAt(measurement.points, n), { epsilon, maxPositions: MAX_POSITIONS }),
        overPrediction: idle / measured,
        rivals: Object.fromEntries(
          rivals.map(({ name, costMs: cost }) => {
            const above = cost.findIndex((ms) => ms > cost[0]! * (1 + epsilon));
            const other = above < 0 ? cost.length : above;
            return [name, { boundary: other, sameStair: same(other), ratioError: ratioErrorOf(cost) }];
          }),
        ),
      },
    ];
  });
  return {
    ...labels,
    predictedMs: prediction.costMs.map(round),
    measuredMs: round(measuredMs),
    points: points.map(({ positions, ratio }) => ({ positions, ratio: round(ratio) })),
    tError: tErrorOf(prediction),
    ratioError: ratioErrorOf(prediction.costMs),
    ...(asOriginal && { originalTError: tErrorOf(asOriginal) }),
    resolved: cases.length > 0,
    cases,
  };
}

/** Whether both lie in one stair that the calibration found, or at costs within 2% of each other by its curve. */
export function isSameStair(
  a: number,
  b: number,
  { points, stairs = [] }: Pick<Measurement, "points" | "stairs">,
): boolean {
  if (a === b) return true;
  if (stairs.some(({ from, to }) => Math.min(a, b) >= from && Math.max(a, b) <= to)) return true;
  const [first, second] = [ratioAt(points, a), ratioAt(points, b)];
  return first !== undefined && second !== undefined && Math.max(first / second, second / first) <= SAME_COST;
}

/** r(n) by a straight line between the measured points; undefined beyond them. */
function ratioAt(points: Measurement["points"], n: number): number | undefined {
  const right = points.findIndex(({ positions }) => positions >= n);
  if (right < 0) return undefined;
  const b = points[right]!;
  const a = points[Math.max(0, right - 1)]!;
  return a === b || b.positions === n
    ? b.ratio
    : a.ratio + ((n - a.positions) * (b.ratio - a.ratio)) / (b.positions - a.positions);
}

const round = (value: number) => Number(value.toPrecision(5));
