import { DEFAULT_EPSILON, type Profile } from "@nearfree/core";
import type { Prediction } from "@nearfree/core/principle";
import type { Markup } from "../markup.ts";
import { verdict, verdictDetail } from "../verdict.ts";
import { positionsAxis, ratioAxis } from "./axes.ts";
import { curvePanel } from "./curve-panel.ts";
import { type FigureDocument, figureSvg } from "./figure.ts";
import { rangesPanel, rangesPanelHeight } from "./ranges-panel.ts";

const WIDTH = 860;
const CURVE_HEIGHT = 418;
const MARGINS = { marginLeft: 96, marginRight: 104 } as const;
/** The ratio axis shows at least this much more than the near-free band. */
const LEAST_TOP = 1 + 4 * DEFAULT_EPSILON;

/** The main figure: the curve of one cell beside what was predicted, and under it the near-free n for every epsilon. */
export function curveFigure(
  profile: Profile,
  document: FigureDocument,
  {
    standalone = false,
    prediction,
  }: { readonly standalone?: boolean; readonly prediction?: Prediction | undefined } = {},
): Markup {
  const x = positionsAxis(profile);
  const y = ratioAxis(profile, LEAST_TOP);
  return figureSvg({
    document,
    standalone,
    width: WIDTH,
    height: CURVE_HEIGHT + rangesPanelHeight(profile),
    title: verdict(profile),
    description: verdictDetail(profile),
    panels: [
      { y: 0, options: curvePanel(profile, { ...MARGINS, height: CURVE_HEIGHT, x, y, prediction }) },
      { y: CURVE_HEIGHT, options: rangesPanel(profile, { ...MARGINS, x }) },
    ],
  });
}

/** The main figure as an SVG file that follows the reader's colour scheme. */
export function renderCurveSvg(profile: Profile, { document }: { readonly document: FigureDocument }): string {
  return curveFigure(profile, document, { standalone: true }).text;
}
