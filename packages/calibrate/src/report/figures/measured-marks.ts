import { DEFAULT_EPSILON, type Inversion, type Profile, type Stair } from "@nearfree/core";
import * as Plot from "@observablehq/plot";
import { boundaryView, DOUBT } from "../boundary-view.ts";
import { formatRatio } from "../format.ts";
import { type Axis, clamped } from "./axes.ts";
import { COLOUR } from "./figure.ts";

/** Right edges closer than this, in octaves, share a label. */
const LABEL_DISTANCE = 0.17;
/** Labels stay readable on whatever they cross. */
const HALO = { fill: "currentColor", stroke: COLOUR.surface, strokeWidth: 4, paintOrder: "stroke" } as const;

/** The points joined, where nobody looked for stairs. */
export const lineMark = ({ points }: Profile) =>
  Plot.line(points, { x: "positions", y: "ratio", stroke: COLOUR.measured, strokeWidth: 1.75 });

/** Treads as far as n was measured, risers between them, a label under each right edge. */
export function stairMarks(profile: Profile): Plot.Markish {
  const { stairs = [] } = profile;
  const boundary = boundaryView(profile, DEFAULT_EPSILON).prefixFree;
  const pairs = stairs
    .slice(1)
    .map((next, i) => ({ before: stairs[i]!, next, at: Math.sqrt(stairs[i]!.to * next.from) }));
  const treads = stairs.map(({ from, to, ratio }, i) => ({
    ratio,
    left: pairs[i - 1]?.at ?? from,
    right: pairs[i]?.at ?? to,
  }));
  // The last stair ends where measuring did: that is no edge. The boundary has a label of its own.
  const edges = stairs.slice(0, -1).filter(({ to }) => to !== boundary);
  return [
    Plot.ruleY(treads, { y: "ratio", x1: "left", x2: "right", stroke: COLOUR.measured, strokeWidth: 2 }),
    ...[true, false].map((confirmed) =>
      Plot.ruleX(
        pairs.filter(({ before }) => before.confirmed === confirmed),
        {
          x: "at",
          y1: ({ before }) => before.ratio,
          y2: ({ next }) => next.ratio,
          stroke: COLOUR.measured,
          strokeWidth: confirmed ? 2 : 1.25,
          ...(!confirmed && { strokeDasharray: "3,2" }),
        },
      ),
    ),
    Plot.text(spaced(edges), {
      x: "to",
      y: (edge: Stair) => labelHeight(profile, edge.to),
      text: "to",
      dy: 13,
      fontWeight: 650,
      fontSize: 13,
      ...HALO,
    }),
  ];
}

/** Labels that would touch: the steeper step keeps its own. */
function spaced(edges: readonly Stair[]): Stair[] {
  const kept: Stair[] = [];
  for (const edge of edges) {
    const last = kept.at(-1);
    if (last === undefined || Math.log2(edge.to / last.to) >= LABEL_DISTANCE) kept.push(edge);
    else if (edge.confirmed && !last.confirmed) kept[kept.length - 1] = edge;
  }
  return kept;
}

/** Under what is drawn at n: the tread, or the end of the interval where that hangs lower. */
function labelHeight({ points, stairs = [] }: Profile, n: number): number {
  const low = points.find(({ positions }) => positions === n)?.low ?? Number.POSITIVE_INFINITY;
  const tread = stairs.find(({ from, to }) => from <= n && n <= to)?.ratio ?? low;
  return Math.min(low, tread);
}

/** The boundary itself: the figure that everything else is about. */
export function boundaryMark(profile: Profile): Plot.Markish {
  const { prefixFree, level } = boundaryView(profile, DEFAULT_EPSILON);
  const y = labelHeight(profile, prefixFree);
  if (!Number.isFinite(y) || level === "unresolvable") return [];
  return Plot.text([`${DOUBT[level]}${prefixFree}`], {
    x: prefixFree,
    y,
    // Clear of the axis.
    dx: prefixFree === 1 ? 9 : 0,
    dy: 14,
    fontSize: 16,
    fontWeight: 700,
    ...HALO,
    fill: COLOUR.measured,
  });
}

/** Filled where the interval decides, open where doubt remains; the interval is a thin rule, cut where the axis ends. */
export function pointMarks({ points }: Profile, { domain }: Axis): Plot.Markish {
  const place = { x: "positions", y: "ratio", stroke: COLOUR.measured } as const;
  return [
    Plot.ruleX(points, {
      x: "positions",
      y1: ({ low }) => clamped(low, domain),
      y2: ({ high }) => clamped(high, domain),
      stroke: "currentColor",
      strokeOpacity: 0.65,
      strokeWidth: 1,
    }),
    Plot.dot(
      points.filter(({ level }) => level === "certified"),
      { ...place, fill: COLOUR.measured, r: 3.25 },
    ),
    Plot.dot(
      points.filter(({ level }) => level !== "certified"),
      { ...place, fill: COLOUR.surface, r: 3.25, strokeWidth: 1.5 },
    ),
  ];
}

/** An arrow from n to the larger n that is cheaper. */
export function inversionMarks({ inversions = [], points }: Profile): Plot.Markish {
  const ratioAt = new Map(points.map(({ positions, ratio }) => [positions, ratio]));
  const drawn = inversions.flatMap((inversion) => {
    const [y1, y2] = [ratioAt.get(inversion.positions), ratioAt.get(inversion.cheaper)];
    return y1 === undefined || y2 === undefined ? [] : [{ ...inversion, y1, y2 }];
  });
  return [
    Plot.arrow(drawn, {
      x1: "positions",
      y1: "y1",
      x2: "cheaper",
      y2: "y2",
      bend: 30,
      insetStart: 5,
      insetEnd: 6,
      headLength: 7,
      strokeWidth: 1.25,
    }),
    // A label runs to the right, over the arrows that start there: it stands one line above theirs.
    ...drawn.map((inversion, i) =>
      Plot.text([inversion], {
        x: "positions",
        y: "y1",
        text: ({ positions, cheaper, ratio }: Inversion) => `run ${positions} as ${cheaper}: ${formatRatio(ratio)}×`,
        dx: -4,
        dy: -14 - 18 * (drawn.length - 1 - i),
        textAnchor: "start",
        fontStyle: "italic",
        ...HALO,
      }),
    ),
  ];
}
