import { median } from "@nearfree/calibrate";
import type { Curve } from "./bench-curve.ts";

/** What curves come to together; null where there is none of a kind. */
export function summarise(curves: readonly Curve[]) {
  const judged = curves.filter(({ resolved }) => resolved);
  const cases = judged.flatMap((curve) => curve.cases);
  const overs = cases.map(({ overPrediction }) => overPrediction).filter((value) => value < 1e6);
  const rival = (name: string) => cases.flatMap(({ rivals }) => rivals[name] ?? []);
  return {
    cases: cases.length,
    unresolvedCurves: curves.length - judged.length,
    sameStair: shareOf(cases.map(({ sameStair }) => sameStair)),
    right: shareOf(cases.map(({ right }) => right)),
    medianTError: medianOf(judged.map(({ tError }) => tError)),
    medianRatioError: medianOf(judged.map(({ ratioError }) => ratioError)),
    overPredictionMedian: medianOf(overs),
    overPredictionMax: overs.length === 0 ? null : Math.max(...overs),
    sameStairBalance: shareOf(rival("balance").map(({ sameStair }) => sameStair)),
    sameStairBalanceTiles: shareOf(rival("balance-tiles").map(({ sameStair }) => sameStair)),
    ratioErrorBalance: medianOf(rival("balance").map(({ ratioError }) => ratioError)),
    ratioErrorEvenRouting: medianOf(rival("even-routing").map(({ ratioError }) => ratioError)),
    ratioErrorBalanceTiles: medianOf(rival("balance-tiles").map(({ ratioError }) => ratioError)),
  };
}

/** Curves that no formula was ever adjusted on. */
export function isHeldOut({ name, contextLength, form }: Pick<Curve, "name" | "contextLength" | "form">): boolean {
  if (form !== "original") return false;
  const [model] = name.split(" ");
  return model === "dense-70m-int8" || (model === "dense-70m" && contextLength === 1024);
}

/** Every summary of a run: whole models first, which are what is judged. */
export function summaries(curves: readonly Curve[]) {
  const whole = curves.filter(({ scope, form }) => scope === "model" && form === "original");
  const rewritten = curves.filter(({ scope, form }) => scope === "model" && form !== "original");
  const of = (family: string) => curves.filter((curve) => curve.family === family);
  return {
    summary: summarise(whole),
    heldOut: summarise(whole.filter(isHeldOut)),
    modules: summarise(curves.filter(({ scope }) => scope === "module")),
    rewritten: {
      ...summarise(rewritten),
      medianOriginalTError: medianOf(rewritten.flatMap(({ originalTError = [] }) => originalTError)),
    },
    families: Object.fromEntries(["dense", "moe", "attention"].map((family) => [family, summarise(of(family))])),
  };
}

function shareOf(list: readonly boolean[]): number | null {
  return list.length === 0 ? null : list.filter(Boolean).length / list.length;
}

function medianOf(list: readonly number[]): number | null {
  return list.length === 0 ? null : median(list);
}
