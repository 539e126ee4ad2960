import { DEFAULT_EPSILON, EPSILONS, type Profile } from "@nearfree/core";
import * as Plot from "@observablehq/plot";
import { boundaryView, DOUBT } from "../boundary-view.ts";
import type { Markup } from "../markup.ts";
import { gridVerdict } from "../verdict.ts";
import { COLOUR, type FigureDocument, type FigureWidth, figureSvg } from "./figure.ts";

const ROW_HEIGHT = 40;
/** The strongest shade still leaves text on it readable in both colour schemes. */
const MOST_SHADE = 0.62;

interface Field {
  readonly epsilon: string;
  readonly context: number;
  readonly batch: number;
  readonly label: string;
  /** 0..1 */
  readonly shade: number;
}

/** prefixFree over context and batch, a map for every epsilon; the shade follows log2, as stairs do. */
export function heatMapFigure(
  profiles: readonly Profile[],
  document: FigureDocument,
  shownOn: FigureWidth = "wide",
): Markup {
  const fields = EPSILONS.flatMap((epsilon) => profiles.map((profile) => toField(profile, epsilon)));
  const most = Math.max(...fields.map(({ shade }) => shade), 1);
  const batches = distinct(fields.map(({ batch }) => batch));
  // Beside each other; on a narrow screen one below the other.
  const narrow = shownOn === "narrow";
  const facet = narrow ? { fy: "epsilon" } : { fx: "epsilon" };
  const height = batches.length * ROW_HEIGHT * (narrow ? EPSILONS.length : 1) + (narrow ? 96 : 78);
  return figureSvg({
    document,
    standalone: false,
    shownOn,
    width: narrow ? 360 : 860,
    height,
    title: `Near-free positions by context and batch, for epsilon ${EPSILONS.join(", ")}`,
    description: gridVerdict(profiles, DEFAULT_EPSILON),
    panels: [
      {
        y: 0,
        options: {
          height,
          marginTop: 30,
          marginLeft: 62,
          marginRight: narrow ? 52 : 10,
          marginBottom: 46,
          [narrow ? "fy" : "fx"]: { label: null, padding: 0.08, tickSize: 0 },
          x: {
            type: "band",
            domain: distinct(fields.map(({ context }) => context)),
            label: "context",
            tickSize: 0,
            padding: 0.04,
            labelArrow: "none",
          },
          y: { type: "band", domain: batches, label: "batch", tickSize: 0, padding: 0.04, labelArrow: "none" },
          opacity: { type: "identity" },
          marks: [
            Plot.cell(fields, {
              ...facet,
              x: "context",
              y: "batch",
              fill: COLOUR.measured,
              fillOpacity: ({ shade }: Field) => 0.06 + (MOST_SHADE - 0.06) * (shade / most),
              rx: 3,
            }),
            Plot.text(fields, {
              ...facet,
              x: "context",
              y: "batch",
              text: "label",
              fontWeight: 600,
              fontSize: 14,
              fontVariant: "tabular-nums",
            }),
          ],
        },
      },
    ],
  });
}

function toField(profile: Profile, epsilon: number): Field {
  const { prefixFree, level } = boundaryView(profile, epsilon);
  const { contextLength, batch } = profile.key.cell;
  const known = level !== "unresolvable";
  return {
    epsilon: `ε ${epsilon}`,
    context: contextLength,
    batch,
    label: known ? `${DOUBT[level]}${prefixFree}` : "?",
    shade: known ? Math.log2(prefixFree) : 0,
  };
}

const distinct = (values: readonly number[]) => [...new Set(values)].sort((a, b) => a - b);
