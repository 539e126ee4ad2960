import { type BestAt, DEFAULT_EPSILON, NearfreeError, type Profile } from "@nearfree/core";
import { boundaryView, DOUBT } from "./boundary-view.ts";
import type { FigureDocument } from "./figures/figure.ts";
import { formatCount, formatSpan } from "./format.ts";
import { groupProfiles, type ProfileGroup } from "./group-profiles.ts";
import { environmentName, groupSection, type PredictionOf } from "./group-section.ts";
import { html, Markup } from "./markup.ts";
import { modelMarkup, modelName } from "./model-name.ts";
import { PAGE_STYLE } from "./page-style.ts";
import { table } from "./table.ts";
import { formatSpeedup, HEADLINE_ACCEPTANCE, knownWorth, ofTen, worthHeadline } from "./worth-words.ts";

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
  const title = isOnly ? `${modelName(groups[0]!)}: ${worthHeadline(groups[0]!.profiles)}` : reportTitle(groups);
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
<h1>${reportTitle(groups)}</h1>
<p class="lead">The best number of positions in one forward, and how much faster than one at a time it is where ${ofTen(HEADLINE_ACCEPTANCE)} draft tokens are accepted; then how many positions are near-free (ε = ${DEFAULT_EPSILON}), and how many idle compute alone would promise.</p>
<div class="tables">${table<ProfileGroup>(
    "All at a glance",
    [
      {
        head: "model",
        cell: (group) => html`<a href="#g${group.id}">${modelMarkup(group)}</a>`,
        words: true,
      },
      {
        head: "speed-up",
        cell: ({ profiles }) =>
          html`<b>${bestSpan(profiles, ({ speedup }) => speedup, formatSpeedup)}${bestOf(profiles).length > 0 && "×"}</b>`,
      },
      { head: "best n", cell: ({ profiles }) => bestSpan(profiles, ({ positions }) => positions, String) },
      { head: "near-free", cell: ({ profiles }) => freeSpan(profiles) },
      {
        head: "idle compute",
        cell: ({ profiles }) =>
          formatSpan(
            profiles.map(({ idleCompute }) => idleCompute.positions),
            String,
          ),
      },
      {
        head: "T(1), ms",
        cell: ({ profiles }) =>
          formatSpan(
            profiles.map(({ baseMs }) => baseMs),
            (ms) => ms.toPrecision(3),
          ),
      },
      { head: "cells", cell: ({ profiles }) => profiles.length.toString() },
      { head: "environment", cell: ({ environment }) => environmentName(environment), words: true },
    ],
    groups,
  )}</div>
</header>
`;
}

/** `2 models in 1 environment: up to 1.85 times as fast` */
function reportTitle(groups: readonly ProfileGroup[]): string {
  const count = (of: (group: ProfileGroup) => string, noun: string) => formatCount(new Set(groups.map(of)).size, noun);
  const environments = count(({ environment }) => environmentName(environment), "environment");
  const most = Math.max(1, ...groups.flatMap(({ profiles }) => bestOf(profiles)).map(({ speedup }) => speedup));
  const found = most > 1 ? `: up to ${formatSpeedup(most)} times as fast` : "";
  return `${count(({ model }) => model, "model")} in ${environments}${found}`;
}

/** What the cells are worth at the acceptance of the headline. */
function bestOf(profiles: readonly Profile[]): BestAt[] {
  const all = profiles.flatMap((profile) => knownWorth(profile)?.best ?? []);
  return all.filter(({ acceptance }) => acceptance === HEADLINE_ACCEPTANCE);
}

function bestSpan(
  profiles: readonly Profile[],
  value: (best: BestAt) => number,
  format: (value: number) => string,
): string {
  const best = bestOf(profiles);
  return best.length === 0 ? "?" : formatSpan(best.map(value), format);
}

function freeSpan(profiles: readonly Profile[]): string {
  const views = profiles.map((profile) => boundaryView(profile, DEFAULT_EPSILON));
  const known = views.filter(({ level }) => level !== "unresolvable");
  if (known.length === 0) return "?";
  const doubt = views.every(({ level }) => level === "certified") ? DOUBT.certified : DOUBT["~"];
  const found = known.map(({ prefixFree }) => prefixFree);
  return doubt + formatSpan(found, String);
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
