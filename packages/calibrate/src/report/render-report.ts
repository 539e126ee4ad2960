import { DEFAULT_EPSILON, NearfreeError, type Profile } from "@nearfree/core";
import { boundaryView, DOUBT } from "./boundary-view.ts";
import type { FigureDocument } from "./figures/figure.ts";
import { groupProfiles, type ProfileGroup } from "./group-profiles.ts";
import { environmentName, groupSection, type PredictionOf, shortModel } from "./group-section.ts";
import { html, Markup } from "./markup.ts";
import { PAGE_STYLE } from "./page-style.ts";
import { table } from "./table.ts";
import { gridVerdict } from "./verdict.ts";

export interface RenderOptions {
  /** Makes the SVG elements: a browser's document, or linkedom's. */
  readonly document: FigureDocument;
  /** What was predicted for a profile's cell: its curve and a table of the modules stand beside what was measured. */
  readonly predictionOf?: PredictionOf | undefined;
}

/**
 * Profiles as one HTML page, whole in itself: no script, nothing to fetch. Grouped by model and environment; what comes from a
 * profile is escaped, and the page's own policy forbids scripts besides. Equal profiles give an equal page.
 *
 * @throws NearfreeError `invalid-argument` without a profile.
 */
export function renderReport(
  profiles: readonly Profile[],
  { document, predictionOf = () => undefined }: RenderOptions,
): string {
  const groups = groupProfiles(profiles);
  if (groups.length === 0) throw noProfiles();
  const isOnly = groups.length === 1;
  const sections = groups.map((group) => groupSection(group, document, { isOnly, predictionOf }));
  const title = isOnly ? gridVerdict(groups[0]!.profiles) : `${groups.length} near-free boundaries`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="nearfree">
<title>${title}</title>
<style>${new Markup(PAGE_STYLE)}</style>
</head>
<body>
${isOnly ? "" : overview(groups)}
<main>
${sections}</main>
<footer>n is near-free at ε when a forward of n positions costs at most 1 + ε times one of a single position. Idle compute is the boundary that the device’s balance of arithmetic and bandwidth alone predicts. Both from arXiv 2605.30851. Made by nearfree.</footer>
</body>
</html>
`.text;
}

/** All groups on one screen: a row each, with a link to the section. */
function overview(groups: readonly ProfileGroup[]): Markup {
  return html`<header>
<p class="kicker">nearfree report</p>
<h1>${groups.length} near-free boundaries</h1>
<div class="tables">${table<ProfileGroup>(
    `At ε = ${DEFAULT_EPSILON}`,
    [
      {
        head: "model",
        cell: ({ id, model }) => html`<a href="#g${id}"><code>${shortModel(model)}</code></a>`,
        words: true,
      },
      { head: "environment", cell: ({ environment }) => environmentName(environment), words: true },
      { head: "cells", cell: ({ profiles }) => profiles.length.toString() },
      {
        head: "T(1), ms",
        cell: ({ profiles }) =>
          span(
            profiles.map(({ baseMs }) => baseMs),
            (ms) => ms.toPrecision(3),
          ),
      },
      { head: "near-free", cell: ({ profiles }) => html`<b>${freeSpan(profiles)}</b>` },
      {
        head: "idle compute",
        cell: ({ profiles }) =>
          span(
            profiles.map(({ idleCompute }) => idleCompute.positions),
            String,
          ),
      },
    ],
    groups,
  )}</div>
</header>
`;
}

function freeSpan(profiles: readonly Profile[]): string {
  const views = profiles.map((profile) => boundaryView(profile, DEFAULT_EPSILON));
  const known = views.filter(({ level }) => level !== "unresolvable");
  if (known.length === 0) return "?";
  const doubt = views.every(({ level }) => level === "certified") ? DOUBT.certified : DOUBT["~"];
  return (
    doubt +
    span(
      known.map(({ prefixFree }) => prefixFree),
      String,
    )
  );
}

/** Smallest to largest. */
function span(values: readonly number[], format: (value: number) => string): string {
  const [low, high] = [format(Math.min(...values)), format(Math.max(...values))];
  return low === high ? low : `${low}–${high}`;
}

function noProfiles(): NearfreeError {
  return new NearfreeError({
    code: "invalid-argument",
    from: "calibrate",
    what: "profiles of a report",
    expected: "at least one",
    received: "none",
    remedy: "calibrate a model first",
  });
}
