import { DEFAULT_EPSILON } from "@nearfree/core";
import type { ModulePrediction, Prediction } from "@nearfree/core/principle";
import { boundaryText, idleText, mechanismName, overPredictionText } from "../../report/prediction-words.ts";
import { textTable } from "./text-table.ts";

/** The boundary for every epsilon beside idle compute, and the same for each module alone. */
export function predictionTables({ boundaries, idleCompute, modules, costMs }: Prediction): string {
  const whole = textTable(
    ["epsilon", "predicted", "idle-compute", "over-prediction", "limited by"],
    boundaries.map((boundary) => [
      boundary.epsilon.toFixed(2),
      boundaryText(boundary),
      idleText(idleCompute),
      overPredictionText(boundary, idleCompute),
      boundary.limit === undefined ? "-" : `${boundary.limit.module}: ${mechanismName(boundary.limit.mechanism)}`,
    ]),
    { words: [4] },
  );
  const parts = textTable(
    [
      `module alone (epsilon ${DEFAULT_EPSILON})`,
      "share",
      "near-free",
      "idle-compute",
      "over-prediction",
      "limited by",
    ],
    modules.map((module) => moduleRow(module, costMs[0]!)),
    { words: [0, 5] },
  );
  return `T(1) = ${costMs[0]!.toPrecision(3)} ms\n\n${whole}\n\n${parts}`;
}

function moduleRow({ name, costMs, boundaries, idleCompute }: ModulePrediction, totalMs: number): string[] {
  const boundary = boundaries.find(({ epsilon }) => epsilon === DEFAULT_EPSILON) ?? boundaries[0]!;
  return [
    name,
    `${((100 * costMs[0]!) / totalMs).toFixed(0)}%`,
    boundaryText(boundary),
    idleText(idleCompute),
    overPredictionText(boundary, idleCompute),
    boundary.limit === undefined ? "-" : mechanismName(boundary.limit.mechanism),
  ];
}
