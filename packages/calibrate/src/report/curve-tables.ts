import type { BestAt, CurvePoint, Inversion, Profile, Stair } from "@nearfree/core";
import { type BoundaryView, boundaryViews, DOUBT, LEVEL_TEXT } from "./boundary-view.ts";
import { columnDecimals, formatRanges, formatRatio } from "./format.ts";
import { html, type Markup } from "./markup.ts";
import { table } from "./table.ts";
import { overPrediction } from "./verdict.ts";
import { formatSpeedup, knownWorth, toleranceNote } from "./worth-words.ts";

/** The best n and what it brings, for draft tokens that are accepted more or less often. */
export function worthTable(profile: Profile): Markup | undefined {
  const worth = knownWorth(profile);
  if (worth === undefined) return undefined;
  const note = toleranceNote(worth);
  const figures = table<BestAt>(
    "What it is worth",
    [
      { head: "draft tokens accepted", cell: ({ acceptance }) => `${Math.round(acceptance * 100)}%` },
      { head: "best n", cell: ({ positions }) => html`<b>${positions}</b>` },
      { head: "speed-up", cell: ({ speedup }) => `${formatSpeedup(speedup)}×` },
    ],
    worth.best,
  );
  return html`<div>${figures}${note !== undefined && html`<p class="note">${note}</p>`}</div>
`;
}

/** What was measured beside what balance alone promises, for every epsilon. */
export function boundaryTable(profile: Profile): Markup {
  return table<BoundaryView>(
    "Boundary",
    [
      { head: "ε", cell: ({ epsilon }) => epsilon.toString() },
      {
        head: "near-free",
        cell: ({ prefixFree, level }) =>
          html`<b>${level === "unresolvable" ? DOUBT[level] : `${DOUBT[level]}${prefixFree}`}</b>`,
      },
      { head: "certainty", cell: ({ level }) => LEVEL_TEXT[level], words: true },
      {
        head: "all near-free n",
        cell: ({ level, freeSet }) => level !== "unresolvable" && formatRanges(freeSet),
        words: true,
      },
      { head: "idle compute", cell: () => profile.idleCompute.positions.toString() },
      {
        head: "over-prediction",
        cell: ({ epsilon, level }) => level !== "unresolvable" && `${overPrediction(profile, epsilon).toFixed(1)}×`,
      },
    ],
    boundaryViews(profile),
  );
}

/** Every measured n. */
export function pointTable({ points, baseMs, stairs = [] }: Profile): Markup {
  const perPosition = points.map(({ positions, ratio }) => (ratio * baseMs) / positions);
  const decimals = columnDecimals(baseMs);
  const finer = columnDecimals(Math.min(...perPosition));
  const edges = new Set(stairs.slice(0, -1).map(({ to }) => to));
  return table<CurvePoint>(
    "Measured n",
    [
      {
        head: "n",
        cell: ({ positions }) =>
          html`${positions}${edges.has(positions) && html` <abbr title="right edge of a stair">▐</abbr>`}`,
      },
      { head: "r(n)", cell: ({ ratio }) => formatRatio(ratio) },
      {
        head: "interval",
        cell: ({ positions, low, high }) => (positions === 1 ? "" : `${formatRatio(low)}–${formatRatio(high)}`),
      },
      { head: "T(n), ms", cell: ({ ratio }) => (ratio * baseMs).toFixed(decimals) },
      { head: "T(n) / n", cell: ({ ratio, positions }) => ((ratio * baseMs) / positions).toFixed(finer) },
      { head: "samples", cell: ({ samples }) => samples.toString() },
      {
        head: "certainty",
        cell: ({ positions, level }) => (positions === 1 ? "the measure" : LEVEL_TEXT[level]),
        words: true,
      },
    ],
    points,
  );
}

/** The runs of n at one cost, where they were looked for. */
export function stairTable({ stairs = [], granularity }: Profile): Markup | undefined {
  if (stairs.length < 2) return undefined;
  const caption = granularity === undefined ? "Stairs" : `Stairs, mostly ${granularity} wide`;
  const last = stairs.at(-1);
  return table<Stair>(
    caption,
    [
      { head: "n", cell: ({ from, to }) => formatRanges([[from, to]]) },
      { head: "r", cell: ({ ratio }) => formatRatio(ratio) },
      { head: "right edge", cell: (stair) => (stair === last ? "" : stair.to.toString()) },
      {
        head: "step after it",
        cell: (stair) => (stair === last ? "" : stair.confirmed ? "confirmed" : "likely"),
        words: true,
      },
    ],
    stairs,
  );
}

/** The n that cost more than a larger one. */
export function inversionTable({ inversions, points }: Profile): Markup | undefined {
  if (inversions === undefined || points.length < 2) return undefined;
  if (inversions.length === 0)
    return html`<p class="note"><b>Inversions.</b> None: no n costs more than a larger one.</p>
`;
  return table<Inversion>(
    "Inversions",
    [
      { head: "n", cell: ({ positions }) => positions.toString() },
      { head: "run as", cell: ({ cheaper }) => cheaper.toString() },
      { head: "cost", cell: ({ ratio }) => `${formatRatio(ratio)}×` },
      { head: "direct pairs", cell: ({ pairs }) => pairs.toString() },
    ],
    inversions,
  );
}
