import { DEFAULT_EPSILON, type Profile } from "@nearfree/core";
import * as Plot from "@observablehq/plot";
import { formatRatio } from "../format.ts";
import type { Axis } from "./axes.ts";
import { COLOUR } from "./figure.ts";

/** Where near-free is, named beside the axis's other end, or inside where that is narrow. */
export function bandMarks({ domain: [left, right] }: Axis, { domain: [bottom] }: Axis, narrow: boolean): Plot.Markish {
  const top = 1 + DEFAULT_EPSILON;
  const limit = `r ≤ ${formatRatio(top)}`;
  return [
    Plot.rect([0], { x1: left, x2: right, y1: bottom, y2: top, fill: COLOUR.measured, fillOpacity: 0.13 }),
    narrow
      ? Plot.text([`near-free, ${limit}`], {
          x: right,
          y: bottom,
          dx: -5,
          dy: -9,
          textAnchor: "end",
          fill: COLOUR.measured,
        })
      : Plot.text([`near-free\n${limit}`], { x: right, y: top, dx: 8, textAnchor: "start", fill: COLOUR.measured }),
  ];
}

/** What as many forwards of one position would cost: the line that every gain is measured from. */
export function proportionalMarks(
  { domain: [, right] }: Axis,
  { domain: [, top] }: Axis,
  narrow: boolean,
): Plot.Markish {
  const end = Math.min(right, top);
  // Left of the line nothing else is drawn, where there is room; a line that leaves at the right is named in the margin.
  const side = narrow || (top < right && end >= 2) ? "end" : "start";
  return [
    Plot.line(
      [1, end].map((n) => ({ n })),
      { x: "n", y: "n", stroke: COLOUR.muted, strokeDasharray: "1,4", strokeLinecap: "round" },
    ),
    Plot.text(["n forwards of 1"], {
      x: end,
      y: end,
      dx: side === "end" ? -22 : 8,
      dy: 8,
      textAnchor: side,
      fill: COLOUR.muted,
      stroke: COLOUR.surface,
      strokeWidth: 4,
    }),
  ];
}

/** The baseline as an upright rule; one beyond the axis is left to the ranges panel, which names it. */
export function idleMarks({ idleCompute }: Profile, { domain: [, right] }: Axis, { domain }: Axis): Plot.Markish {
  const { positions } = idleCompute;
  if (positions > right) return [];
  const label = `idle compute: ${positions}`;
  return [
    Plot.ruleX([positions], { y1: domain[0], y2: domain[1], stroke: COLOUR.idle, strokeDasharray: "5,3" }),
    Plot.text([label], { x: positions, y: domain[1], dy: -9, fill: COLOUR.idle, fontWeight: 600 }),
  ];
}
