import * as Plot from "@observablehq/plot";
import { html, Markup } from "../markup.ts";

/** What drawing needs of a DOM: a browser's document, or linkedom's. */
export interface FigureDocument {
  readonly documentElement: unknown;
  createElementNS(namespace: string, name: string): unknown;
}

/** Colours of figures and pages, told apart by readers of any colour vision (Okabe and Ito), in light and in dark. */
export const COLOUR = {
  measured: "var(--nf-measured)",
  idle: "var(--nf-idle)",
  predicted: "var(--nf-predicted)",
  muted: "var(--nf-muted)",
  faint: "var(--nf-faint)",
  surface: "var(--nf-surface)",
} as const;

const LIGHT =
  "--nf-ink:#1b1f24;--nf-surface:#fff;--nf-measured:#0067a5;--nf-idle:#b84a00;--nf-predicted:#00795c;--nf-muted:#5b6570;--nf-faint:#dfe3e8";
const DARK =
  "--nf-ink:#e8eaed;--nf-surface:#14171b;--nf-measured:#63b7f0;--nf-idle:#f0a04b;--nf-predicted:#4cc9a4;--nf-muted:#9aa4af;--nf-faint:#2f353c";

/** Custom properties for `selector`, by the reader's colour scheme. */
export function themeCss(selector: string): string {
  return `${selector}{color-scheme:light dark;${LIGHT}}` + `@media (prefers-color-scheme:dark){${selector}{${DARK}}}`;
}

export const FONT = "system-ui,-apple-system,'Segoe UI',Roboto,'Liberation Sans',Arial,sans-serif";

/** px around a figure that is a file of its own. */
const FILE_PADDING = 16;

/** A chart at its place in a figure; `height` in px, as wide as the figure. */
export interface Panel {
  readonly y: number;
  readonly options: Plot.PlotOptions;
}

/** A figure is drawn twice for a page, for wide and for narrow screens; the page's style shows one. */
export const WIDTHS = ["wide", "narrow"] as const;
export type FigureWidth = (typeof WIDTHS)[number];

export interface FigureOptions {
  readonly document: FigureDocument;
  /** px */
  readonly width: number;
  readonly height: number;
  /** What the figure shows, for those who hear it, and as the title of a file of its own. */
  readonly title: string;
  readonly description: string;
  readonly panels: readonly Panel[];
  /** A file of its own brings its colours along; inside a page the page's hold. */
  readonly standalone: boolean;
  /** Of a figure inside a page that has both. */
  readonly shownOn?: FigureWidth | undefined;
}

/** One SVG of one or more charts. The page, or the file itself, supplies the custom properties of `themeCss`. */
export function figureSvg({ document, width, height, title, description, panels, ...shown }: FigureOptions): Markup {
  const { standalone, shownOn } = shown;
  const charts = panels.map(({ y, options }) => {
    const chart = Plot.plot({
      ...options,
      width,
      className: "nearfree-plot",
      document: document as NonNullable<Plot.PlotOptions["document"]>,
    });
    // The charts become groups of one SVG, so their own style sheets, written for a whole one, go.
    chart.querySelector("style")?.remove();
    return html`<g transform="translate(0,${y})">${new Markup(String(chart.innerHTML))}</g>`;
  });
  const pad = standalone ? FILE_PADDING : 0;
  const box = [-pad, -pad, width + 2 * pad, height + 2 * pad];
  // Inside a page a title would follow the pointer over the whole figure: there the label alone names it.
  const attributes = standalone
    ? html` xmlns="http://www.w3.org/2000/svg" width="${width + 2 * pad}" height="${height + 2 * pad}"`
    : shownOn !== undefined && html` class="${shownOn}"`;
  const css = new Markup(`${themeCss("svg")}svg{background:${COLOUR.surface}}`);
  const head = standalone ? html`<title>${title}</title><style>${css}</style>` : undefined;
  return html`<svg${attributes} viewBox="${box.join(" ")}" role="img" aria-label="${title}" color="var(--nf-ink)" fill="currentColor" font-family="${FONT}" font-size="12" text-anchor="middle">${head}<desc>${description}</desc>${charts}</svg>
`;
}
