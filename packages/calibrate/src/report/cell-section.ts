import { DEFAULT_EPSILON, type Profile } from "@nearfree/core";
import type { Prediction } from "@nearfree/core/principle";
import { boundaryTable, inversionTable, pointTable, stairTable, worthTable } from "./curve-tables.ts";
import { curveFigure } from "./figures/curve-figure.ts";
import { type FigureDocument, WIDTHS } from "./figures/figure.ts";
import { formatRatio } from "./format.ts";
import { invarianceFacts } from "./invariance-facts.ts";
import { baselineFacts } from "./key-facts.ts";
import { html, type Markup } from "./markup.ts";
import { predictionSection } from "./prediction-section.ts";
import { qualityFacts } from "./quality-facts.ts";

/** A cell in words. */
export const cellName = ({ key: { cell } }: Profile): string => `context ${cell.contextLength}, batch ${cell.batch}`;

export interface CellParts {
  /** Stands beside the last table. */
  readonly aside?: Markup | undefined;
  readonly prediction?: Prediction | undefined;
}

/** One cell in full: the figure, what it shows in figures, what was predicted, and how far to trust it. */
export function cellSection(profile: Profile, document: FigureDocument, { aside, prediction }: CellParts = {}): Markup {
  return html`<div class="tables">${worthTable(profile)}</div>
<figure>${WIDTHS.map((shownOn) => curveFigure(profile, document, { shownOn, prediction }))}<figcaption>${caption(profile, prediction)}</figcaption></figure>
${predictionSection(prediction, profile)}<div class="tables">${boundaryTable(profile)}${stairTable(profile)}${inversionTable(profile)}</div>
<div class="tables">${qualityFacts(profile)}<div class="facts">${invarianceFacts(profile)}<br>${baselineFacts(profile)}</div></div>
<div class="tables">${pointTable(profile)}${aside}</div>
`;
}

function caption({ points, stairs, idleCompute }: Profile, prediction: Prediction | undefined): string {
  const parts = [
    "Dots are medians of paired ratios, the thin rules their intervals; an open dot is one that no interval decides.",
    stairs !== undefined &&
      stairs.length > 1 &&
      "Steps are stairs, the figures under them their right edges; a dashed riser is likely, not confirmed.",
    prediction !== undefined &&
      points.length > 1 &&
      "The dashed line is the curve predicted from the graph, the dotted one what idle compute alone would give.",
    `The shaded band is near-free: at most ${formatRatio(1 + DEFAULT_EPSILON)} times the cost of one position.`,
    "Bars show the near-free n for every ε, and what idle compute alone promises.",
    idleCompute.positions > points.at(-1)!.positions && "It promises more than was measured.",
  ];
  return parts.filter((part) => part !== false).join(" ");
}
