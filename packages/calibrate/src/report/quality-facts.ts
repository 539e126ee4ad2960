import type { Level, Profile, Stop } from "@nearfree/core";
import { LEVEL_TEXT } from "./boundary-view.ts";
import { formatChange, formatCount, formatMs, formatRatio, formatTime } from "./format.ts";
import type { Content, Markup } from "./markup.ts";
import { facts } from "./table.ts";

const STOP_TEXT: Readonly<Record<Stop, string>> = {
  decided: "everything asked was decided",
  forwards: "the budget of forwards was spent",
  time: "the budget of time was spent",
  aborted: "it was interrupted",
  unresolvable: "noise hides what was to be seen",
};
const LEVELS: readonly Level[] = ["certified", "~", "budget", "unresolvable"];

/** How far the measurement can be trusted, and what it took. */
export function qualityFacts(profile: Profile): Markup {
  const { run, points, baseMs, coldMs } = profile;
  const others = points.slice(1);
  const samples = others.reduce((sum, point) => sum + point.samples, 0);
  const levels = LEVELS.map(
    (level) => [LEVEL_TEXT[level], others.filter((point) => point.level === level).length] as const,
  );
  const counted = levels.filter(([, count]) => count > 0).map(([text, count]) => `${count} ${text}`);
  const entries: (readonly [string, Content])[] = [
    ["measured", formatTime(profile.measuredAt)],
    ["T(1)", `${formatMs(baseMs)} warm, ${formatMs(coldMs)} the first time`],
    ["effort", `${formatCount(run.forwards, "forward")} in ${formatMs(run.ms)}`],
    ["samples", `${samples.toLocaleString("en-US")}, besides ${run.discards.toLocaleString("en-US")} discarded`],
    ["points", counted.length > 0 ? counted.join(", ") : "only n = 1"],
    ["drift", driftText(run.drift)],
    [
      "can be told from 1",
      run.smallestRatio === undefined ? "not recorded" : `ratios above ${formatRatio(run.smallestRatio, 3)}`,
    ],
    ["stopped when", run.stop === undefined ? "not recorded" : STOP_TEXT[run.stop]],
  ];
  if (profile.imported) entries.push(["origin", "imported in a bundle; nothing on this machine has confirmed it yet"]);
  return facts("Quality of the measurement", entries);
}

/** What the drift of a run says, and why it spoils nothing. */
export function driftText(drift: number): string {
  return `${formatChange(drift)}: T(1) at the end against T(1) at the start. Every ratio is taken against a T(1) beside it, so slow changes cancel`;
}
