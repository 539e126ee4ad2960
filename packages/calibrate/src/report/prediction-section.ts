import { DEFAULT_EPSILON, type Profile } from "@nearfree/core";
import type { PredictedBoundary, Prediction } from "@nearfree/core/principle";
import { boundaryView, DOUBT } from "./boundary-view.ts";
import { html, type Markup } from "./markup.ts";
import { boundaryText, idleText, limitSentence, mechanismName, overPredictionText } from "./prediction-words.ts";
import { table } from "./table.ts";

interface PartRow {
  readonly name: string;
  readonly share: string;
  readonly boundary: PredictedBoundary;
  readonly measured: string;
  readonly idleCompute: number;
}

/** What the principle predicts beside what was measured: the sentence that says what limits the model, and a row for each module. */
export function predictionSection(prediction: Prediction | undefined, profile: Profile): Markup | undefined {
  if (prediction === undefined) return undefined;
  const { assumed } = prediction;
  const notes = assumed.map(
    (line) => html`<p class="note">Assumed: ${line}.</p>
`,
  );
  return html`<p class="lead">${limitSentence(prediction, DEFAULT_EPSILON)}</p>
<div class="tables">${partTable(prediction, profile)}</div>
${notes}`;
}

function partTable({ modules, boundaries, idleCompute, costMs }: Prediction, profile: Profile): Markup {
  const at = (all: readonly PredictedBoundary[]) => all.find(({ epsilon }) => epsilon === DEFAULT_EPSILON) ?? all[0]!;
  const measured = boundaryView(profile, DEFAULT_EPSILON);
  const whole: PartRow = {
    name: "whole model",
    share: "100%",
    boundary: at(boundaries),
    measured:
      measured.level === "unresolvable" ? DOUBT[measured.level] : `${DOUBT[measured.level]}${measured.prefixFree}`,
    idleCompute,
  };
  const parts = modules.map(
    (module): PartRow => ({
      name: module.name,
      share: `${((100 * module.costMs[0]!) / costMs[0]!).toFixed(0)}%`,
      boundary: at(module.boundaries),
      measured: "",
      idleCompute: module.idleCompute,
    }),
  );
  return table<PartRow>(
    `Predicted without a forward, each module alone (ε = ${DEFAULT_EPSILON})`,
    [
      { head: "module", cell: ({ name }) => name, words: true },
      { head: "share of T(1)", cell: ({ share }) => share },
      { head: "predicted", cell: ({ boundary }) => html`<b>${boundaryText(boundary)}</b>` },
      { head: "measured", cell: (row) => row.measured },
      { head: "idle compute", cell: (row) => idleText(row.idleCompute) },
      { head: "over-prediction", cell: ({ boundary, idleCompute: idle }) => overPredictionText(boundary, idle) },
      {
        head: "limited by",
        cell: ({ boundary: { limit } }) => limit !== undefined && mechanismName(limit.mechanism),
        words: true,
      },
    ],
    [whole, ...parts],
  );
}
