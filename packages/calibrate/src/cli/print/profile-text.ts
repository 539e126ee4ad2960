import { type Profile, type ProfileStanding, profileStanding } from "@nearfree/core";
import { formatCount } from "../../report/format.ts";
import { modelName, namedModel } from "../../report/model-name.ts";
import { driftText } from "../../report/quality-facts.ts";
import { boundaryTable } from "./boundary-table.ts";
import { curveChart } from "./chart.ts";
import { worthText } from "./worth-text.ts";

const STANDINGS: Record<ProfileStanding, string> = {
  whole: "",
  partial: "; cut short, the next calibration goes on from it",
  unresolved: "; hidden by noise: not kept, measured anew at the next start",
  imported: "; imported, to be tested at its first use",
  predicted: "; predicted, nothing was measured",
};

/** What identifies a profile for a person: model, environment, cell. */
export function profileTitle(profile: Profile): string {
  const { key, measuredAt } = profile;
  const { environment: env, cell } = key;
  return (
    `${modelName(namedModel(profile))} on ${env.executionProvider}, ${env.runtime} ${env.runtimeVersion}, ` +
    `${formatCount(env.threads, "thread")}; context ${cell.contextLength}, batch ${cell.batch}; ${measuredAt.slice(0, 16).replace("T", " ")}` +
    STANDINGS[profileStanding(profile)]
  );
}

/** A profile in full: title, what it is worth, curve, boundaries, what the bits do. */
export function profileText(profile: Profile): string {
  const { invariance, run, uniqueExperts } = profile;
  const classes = invariance.classes.map((members) => `{${members.join(" ")}}`).join(" ");
  const bits =
    invariance.classes.length <= 1
      ? "every n gives the same bits"
      : `bits differ between ${classes}: by ${invariance.maxDifference.toExponential(1)} at most, ` +
        `${invariance.argmaxFlips} argmax flips in ${invariance.rows} rows`;
  const effort = `${run.forwards} forwards, ${(run.ms / 1000).toFixed(1)} s, ${run.discards} discarded`;
  const routing = uniqueExperts === undefined ? [] : [routingLine(uniqueExperts)];
  return [
    profileTitle(profile),
    "",
    worthText(profile),
    "",
    curveChart(profile),
    "",
    boundaryTable(profile),
    "",
    ...routing,
    bits,
    effort,
    `drift ${driftText(run.drift)}`,
  ].join("\n");
}

/** `experts of a layer that real text wakes: 4.0 by 1 position, 9.8 by 4, ...` */
function routingLine(uniqueExperts: readonly number[]): string {
  const shown = [1, 2, 4, 8, 16, 32, 64].filter((n) => n <= uniqueExperts.length);
  const parts = shown.map((n) => `${uniqueExperts[n - 1]!.toFixed(1)} by ${n}${n === 1 ? " position" : ""}`);
  return `experts of a layer that real text wakes: ${parts.join(", ")}`;
}
