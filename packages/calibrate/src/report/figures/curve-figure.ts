import { DEFAULT_EPSILON, type Profile } from "@nearfree/core";
import type { Prediction } from "@nearfree/core/principle";
import type { Markup } from "../markup.ts";
import { modelName, namedModel } from "../model-name.ts";
import { verdict, verdictDetail } from "../verdict.ts";
import { worthHeadline } from "../worth-words.ts";
import { positionsAxis, ratioAxis } from "./axes.ts";
import { curvePanel } from "./curve-panel.ts";
import { type FigureDocument, type FigureWidth, figureSvg } from "./figure.ts";
import { rangesPanel, rangesPanelHeight } from "./ranges-panel.ts";

const CURVE_HEIGHT = 418;
/** Names beside the chart need room at either side; on a narrow screen they stand inside it. */
const SIZES = {
  wide: { width: 860, marginLeft: 96, marginRight: 104 },
  narrow: { width: 360, marginLeft: 46, marginRight: 30 },
} as const satisfies Record<FigureWidth, object>;
/** The ratio axis shows at least this much more than the near-free band. */
const LEAST_TOP = 1 + 4 * DEFAULT_EPSILON;

interface CurveFigureOptions {
  readonly standalone?: boolean;
  readonly shownOn?: FigureWidth;
  readonly prediction?: Prediction | undefined;
}

/** The main figure: the curve of one cell beside what was predicted, and under it the near-free n for every epsilon. */
export function curveFigure(
  profile: Profile,
  document: FigureDocument,
  { standalone = false, shownOn, prediction }: CurveFigureOptions = {},
): Markup {
  const x = positionsAxis(profile);
  const y = ratioAxis(profile, LEAST_TOP);
  const narrow = shownOn === "narrow";
  const { width, ...margins } = SIZES[shownOn ?? "wide"];
  return figureSvg({
    document,
    standalone,
    shownOn,
    width,
    height: CURVE_HEIGHT + rangesPanelHeight(profile),
    title: `${modelName(namedModel(profile))}: ${worthHeadline([profile])}`,
    description: `${verdict(profile)} ${verdictDetail(profile)}`,
    panels: [
      { y: 0, options: curvePanel(profile, { ...margins, height: CURVE_HEIGHT, narrow, x, y, prediction }) },
      { y: CURVE_HEIGHT, options: rangesPanel(profile, { ...margins, narrow, x }) },
    ],
  });
}

/** The main figure as an SVG file that follows the reader's colour scheme. */
export function renderCurveSvg(profile: Profile, { document }: { readonly document: FigureDocument }): string {
  return curveFigure(profile, document, { standalone: true }).text;
}
