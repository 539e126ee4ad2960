import type { Profile } from "@nearfree/core";
import type { Prediction } from "@nearfree/core/principle";
import * as Plot from "@observablehq/plot";
import type { Axis } from "./axes.ts";
import { bandMarks, idleMarks, proportionalMarks } from "./context-marks.ts";
import { COLOUR } from "./figure.ts";
import { boundaryMark, inversionMarks, lineMark, pointMarks, stairMarks } from "./measured-marks.ts";
import { predictionMarks } from "./prediction-marks.ts";

export interface CurvePanelOptions {
  readonly height: number;
  readonly marginLeft: number;
  readonly marginRight: number;
  /** No room for names beside the chart: they go inside. */
  readonly narrow: boolean;
  readonly x: Axis;
  readonly y: Axis;
  readonly prediction?: Prediction | undefined;
}

/** r(n) over n, both logarithmic: points with their intervals, stairs, right edges, inversions, and the near-free band. */
export function curvePanel(
  profile: Profile,
  { height, marginLeft, marginRight, narrow, x, y, prediction }: CurvePanelOptions,
): Plot.PlotOptions {
  return {
    height,
    marginLeft,
    marginRight,
    marginTop: 48,
    marginBottom: 46,
    x: {
      type: "log",
      base: 2,
      domain: x.domain,
      ticks: x.ticks,
      tickFormat: String,
      label: "positions in one forward, n",
      labelAnchor: "center",
      labelArrow: "none",
    },
    y: { type: "log", domain: y.domain, axis: null },
    marks: [
      // As a mark: of a scale's own axis a logarithm leaves labels out, 8 for one.
      Plot.axisY(y.ticks, { text: String, label: "cost of a forward, r(n) = T(n) / T(1)", labelArrow: "none" }),
      Plot.gridY(y.ticks, { stroke: COLOUR.faint, strokeOpacity: 1 }),
      bandMarks(x, y, narrow),
      proportionalMarks(x, y, narrow),
      idleMarks(profile, x, y),
      predictionMarks(prediction, profile, y),
      profile.stairs === undefined ? lineMark(profile) : stairMarks(profile),
      pointMarks(profile, y),
      boundaryMark(profile),
      inversionMarks(profile),
    ],
  };
}
