import type { Case, Curve } from "./bench-curve.ts";
import { isHeldOut, summaries } from "./summaries.ts";

const FAMILIES = ["dense", "moe", "attention"] as const;
const FIGURES = [
  ["cases", "cases", "40"],
  ["unresolvedCurves", "curves without a measured boundary", ""],
  ["sameStair", "same stair", "0.9"],
  ["right", "right within 2% of cost, as calibrations are judged", ""],
  ["medianTError", "median error of T(n)", "0.1"],
  ["medianRatioError", "median error of r(n)", ""],
  ["overPredictionMedian", "idle compute over measured, median", ""],
  ["overPredictionMax", "idle compute over measured, most", ""],
  ["sameStairBalance", "same stair: balance only", ""],
  ["sameStairBalanceTiles", "same stair: balance and kernel table", ""],
  ["ratioErrorEvenRouting", "median error of r(n): experts under even routing", ""],
  ["ratioErrorBalance", "median error of r(n): balance only", ""],
  ["ratioErrorBalanceTiles", "median error of r(n): balance and kernel table", ""],
] as const;

/** The tables of docs/benchmarks.md: every curve, dense, MoE and attention apart, and what they come to. */
export function principleTable(curves: readonly Curve[]): string {
  const rows = FAMILIES.flatMap((family) => curves.filter((curve) => curve.family === family).map(rowOf));
  const { summary, heldOut, rewritten, modules } = summaries(curves);
  const figures = FIGURES.map(
    ([key, title, goal]) =>
      `| ${title} | ${goal} | ${[summary, heldOut, rewritten, modules].map((of) => figure(of[key])).join(" | ")} |`,
  );
  return [
    "| family | curve | where, context | epsilon 0.1 | epsilon 0.2 | rivals | T(1) predicted / measured, ms | T(n) error | r(n) error |",
    "|---|---|---|---|---|---|---|---|---|",
    ...rows,
    "",
    "| | goal | models | of them held out | rewritten | modules |",
    "|---|---|---|---|---|---|",
    ...figures,
  ].join("\n");
}

function rowOf(curve: Curve): string {
  const { family, name, ep, threads, contextLength, form, cases, predictedMs, measuredMs } = curve;
  const graph = form === "original" ? name : `${name}, ${form}`;
  const at = (epsilon: number) => caseText(cases.find((each) => each.epsilon === epsilon));
  const rivals = Object.values(cases[0]?.rivals ?? {}).map(({ boundary }) => boundary);
  const cells = [
    family,
    isHeldOut(curve) ? `${graph} (held out)` : graph,
    `${ep}-${threads}, ${contextLength}`,
    at(0.1),
    at(0.2),
    rivals.length === 0 ? "-" : rivals.join(", "),
    `${predictedMs[0]!.toPrecision(3)} / ${measuredMs.toPrecision(3)}`,
    percent(curve.tError),
    cases.length === 0 ? "-" : percent(curve.ratioError),
  ];
  return `| ${cells.join(" | ")} |`;
}

function caseText(one: Case | undefined): string {
  if (one === undefined) return "?";
  return `${one.predicted} / ${one.measured} / ${one.idleCompute}${one.sameStair ? "" : " *"}`;
}

function figure(value: number | null): string {
  return value === null ? "-" : String(Number(value.toPrecision(3)));
}

const percent = (share: number) => `${Math.round(100 * share)}%`;
