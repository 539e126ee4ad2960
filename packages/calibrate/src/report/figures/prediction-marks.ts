import type { Profile } from "@nearfree/core";
import type { Prediction } from "@nearfree/core/principle";
import * as Plot from "@observablehq/plot";
import type { Axis } from "./axes.ts";
import { COLOUR } from "./figure.ts";

interface Place {
  readonly positions: number;
  readonly ratio: number;
}

/** The predicted curve, dashed, and the one that idle compute alone predicts, dotted: flat as far as it promises, then in proportion. */
export function predictionMarks(prediction: Prediction | undefined, profile: Profile, { domain }: Axis): Plot.Markish {
  if (prediction === undefined) return [];
  const last = profile.points.at(-1)!.positions;
  const { idleCompute, costMs } = prediction;
  const shown = (places: readonly Place[]) =>
    places.filter(({ positions, ratio }) => positions <= last && ratio >= domain[0] && ratio <= domain[1]);
  const predicted = costMs.map((ms, i): Place => ({ positions: i + 1, ratio: ms / costMs[0]! }));
  const idle = costMs.map((_, i): Place => ({ positions: i + 1, ratio: Math.max(1, (i + 1) / idleCompute) }));
  const line = (places: readonly Place[], stroke: string, strokeDasharray: string) =>
    Plot.line(shown(places), { x: "positions", y: "ratio", stroke, strokeDasharray, strokeWidth: 1.75 });
  return [line(idle, COLOUR.idle, "1.5,3"), line(predicted, COLOUR.predicted, "6,3")];
}
