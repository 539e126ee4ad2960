import { calibrate, median } from "@nearfree/calibrate";
import {
  type Clock,
  type DeviceSignature,
  type GraphSummary,
  type Measurement,
  type Prediction,
  type Probe,
  predict,
} from "@nearfree/core";
import { type Rival, rivalsOf } from "./principle-rivals.ts";

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
  readonly predictedMs: readonly number[];
  readonly measuredMs: number;
  readonly points: readonly { readonly positions: number; readonly ratio: number }[];
  /** Median over the measured n of |predicted / measured - 1|: of T(n) itself, and of r(n), where the machine's speed of the minute cancels. */
  readonly tError: number;
  readonly ratioError: number;
  /** Empty where the machine was too busy for a boundary. */
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
  /** Idle compute over measured. */
  readonly overPrediction: number;
  readonly rivals: Readonly<
    Record<string, { readonly boundary: number; readonly sameStair: boolean; readonly ratioError: number }>
  >;
}

export interface CurveOptions extends Pick<Curve, "name" | "family" | "scope" | "ep" | "threads" | "contextLength"> {
  readonly budgetMs: number;
  /** Monotonic, in ms. Default `performance.now`. */
  readonly clock?: Clock;
}

/** Measures one curve with the code that measures whole models, and sets what was predicted beside it. */
export async function benchCurve(
  probe: Probe,
  summary: GraphSummary,
  signature: DeviceSignature,
  { budgetMs, clock = () => performance.now(), ...labels }: CurveOptions,
): Promise<Curve> {
  const cell = { contextLength: labels.contextLength, batch: 1 };
  const measurement = await calibrate(probe, { clock, cell, maxPositions: MAX_POSITIONS, budget: { ms: budgetMs } });
  const prediction = predict(summary, signature, cell, { epsilons: CASE_EPSILONS, maxPositions: MAX_POSITIONS });
  return compare(labels, prediction, measurement, rivalsOf(summary, signature, cell));
}

function compare(
  labels: Omit<CurveOptions, "budgetMs" | "clock">,
  prediction: Prediction,
  measurement: Measurement,
  rivals: readonly Rival[],
): Curve {
  const points = measurement.points.map(({ positions, ratio }) => ({ positions, ratio }));
  const { costMs } = prediction;
  const beyondOne = points.filter(({ positions }) => positions > 1);
  const ratioErrorOf = (cost: readonly number[]) =>
    median(beyondOne.map(({ positions, ratio }) => Math.abs(cost[positions - 1]! / cost[0]! / ratio - 1)));
  const boundaryOf = (epsilon: number) => measurement.boundaries.find((one) => one.epsilon === epsilon)!;
  // A machine too busy to tell T(2) from T(1) has measured no boundary: nothing is right or wrong there.
  const judged = CASE_EPSILONS.filter((epsilon) => boundaryOf(epsilon).level !== "unresolvable");
  const cases = judged.map((epsilon): Case => {
    const measured = boundaryOf(epsilon).prefixFree;
    const same = (boundary: number) => isSameStair(boundary, measured, measurement);
    const { prefixFree: predicted, limit } = prediction.boundaries.find((one) => one.epsilon === epsilon)!;
    const idle = Math.min(prediction.idleCompute, Number.MAX_SAFE_INTEGER);
    return {
      epsilon,
      predicted,
      measured,
      idleCompute: idle,
      limit: limit === undefined ? "none" : `${limit.module}: ${limit.mechanism}`,
      sameStair: same(predicted),
      overPrediction: idle / measured,
      rivals: Object.fromEntries(
        rivals.map(({ name, costMs: cost }) => {
          const above = cost.findIndex((ms) => ms > cost[0]! * (1 + epsilon));
          const boundary = above < 0 ? cost.length : above;
          return [name, { boundary, sameStair: same(boundary), ratioError: ratioErrorOf(cost) }];
        }),
      ),
    };
  });
  return {
    ...labels,
    predictedMs: costMs.map(round),
    measuredMs: round(measurement.baseMs),
    points: points.map(({ positions, ratio }) => ({ positions, ratio: round(ratio) })),
    tError: median(
      points.map(({ positions, ratio }) => Math.abs(costMs[positions - 1]! / (ratio * measurement.baseMs) - 1)),
    ),
    ratioError: ratioErrorOf(costMs),
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
