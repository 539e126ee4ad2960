import type { Profile } from "@nearfree/core";
import * as Plot from "@observablehq/plot";
import { type BoundaryView, boundaryViews, DOUBT, LEVEL_TEXT } from "../boundary-view.ts";
import { type Axis, HALF_POSITION } from "./axes.ts";
import { COLOUR } from "./figure.ts";

const ROW_HEIGHT = 22;
/** Room for the panel's heading. */
const TOP = 26;
const IDLE = "idle compute";
const SHORT_IDLE = "idle";

/** A run of near-free n, widened by `HALF_POSITION` so that a single n has a width. */
interface Bar {
  readonly row: string;
  readonly left: number;
  readonly right: number;
  readonly label: string;
  readonly idle: boolean;
  /** Nothing decides it: drawn hollow. */
  readonly doubtful: boolean;
}

const rowName = ({ epsilon }: BoundaryView) => `ε ${epsilon}`;

export function rangesPanelHeight(profile: Profile): number {
  return (boundaryViews(profile).length + 1) * ROW_HEIGHT + TOP + 6;
}

interface RangesPanelOptions {
  readonly marginLeft: number;
  readonly marginRight: number;
  readonly narrow: boolean;
  readonly x: Axis;
}

/** Under the curve, on the same x axis: the near-free n for every epsilon, and what idle compute promises. */
export function rangesPanel(
  profile: Profile,
  { marginLeft, marginRight, narrow, x }: RangesPanelOptions,
): Plot.PlotOptions {
  const views = boundaryViews(profile);
  const idleName = narrow ? SHORT_IDLE : IDLE;
  const bars = [...views.flatMap(boundaryBars), idleBar(idleName, profile.idleCompute.positions, x.domain[1])];
  const place = { y: "row", x1: "left", x2: "right", insetTop: 4.5, insetBottom: 4.5 } as const;
  const drawn = (idle: boolean, doubtful: boolean) =>
    bars.filter((bar) => bar.idle === idle && bar.doubtful === doubtful);
  return {
    height: rangesPanelHeight(profile),
    marginLeft,
    marginRight,
    marginTop: TOP,
    marginBottom: 6,
    x: { type: "log", base: 2, domain: x.domain, axis: null },
    y: { type: "band", domain: [...views.map(rowName), idleName], padding: 0, tickSize: 0, label: null },
    marks: [
      Plot.text([narrow ? "near-free n, and what idle compute promises" : "near-free n"], {
        frameAnchor: "top-left",
        dx: 4 - marginLeft,
        dy: -16,
        textAnchor: "start",
      }),
      Plot.gridX(x.ticks, { stroke: COLOUR.faint, strokeOpacity: 1 }),
      Plot.barX(drawn(false, false), { ...place, fill: COLOUR.measured, fillOpacity: 0.85 }),
      Plot.barX(drawn(false, true), { ...place, fill: COLOUR.measured, fillOpacity: 0.15, stroke: COLOUR.measured }),
      Plot.barX(drawn(true, false), { ...place, fill: COLOUR.idle, fillOpacity: 0.85 }),
      ...[true, false].map((idle) =>
        Plot.text(
          bars.filter((bar) => bar.idle === idle),
          {
            y: "row",
            x: "right",
            text: "label",
            dx: 5,
            textAnchor: "start",
            fontWeight: 600,
            fill: idle ? COLOUR.idle : COLOUR.measured,
            fontVariant: "tabular-nums",
          },
        ),
      ),
    ],
  };
}

function boundaryBars(view: BoundaryView): Bar[] {
  if (view.level === "unresolvable") {
    const start = 2 ** -HALF_POSITION;
    return [
      { row: rowName(view), left: start, right: start, label: LEVEL_TEXT.unresolvable, idle: false, doubtful: true },
    ];
  }
  return view.freeSet.map(([first, last], i) => ({
    row: rowName(view),
    left: first * 2 ** -HALF_POSITION,
    right: last * 2 ** HALF_POSITION,
    label: i > 0 && first !== last ? `${first}–${last}` : `${DOUBT[view.level]}${last}`,
    idle: false,
    doubtful: view.level !== "certified",
  }));
}

/** Cut, with an arrow, where the axis ends. */
function idleBar(row: string, positions: number, end: number): Bar {
  const right = Math.min(end, positions * 2 ** HALF_POSITION);
  const label = right === end ? `${positions} →` : `${positions}`;
  return { row, left: 2 ** -HALF_POSITION, right, label, idle: true, doubtful: false };
}
