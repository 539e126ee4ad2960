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
  const { run, uniqueExperts } = profile;
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
    ...graphLine(profile),
    bitsLine(profile),
    effort,
    `drift ${driftText(run.drift)}`,
  ].join("\n");
}

/** Which rewritten graph was measured, and how it compares with the original. */
function graphLine({ key, rewrite }: Profile): string[] {
  const form = key.environment.options.kvCache;
  if (form === undefined) return [];
  if (rewrite === undefined) return [`graph rewritten (${form})`];
  const { rows, flips, largestError, speed } = rewrite;
  const fast = speed === undefined ? "" : `${speed.toFixed(2)} times as fast as the original; `;
  const off =
    largestError === 0 ? "the same bits" : `off by ${largestError.toExponential(1)} of a row's spread at most`;
  return [`graph rewritten (${form}): ${fast}logits ${off}, ${flips} other arg max in ${rows} rows`];
}

/** What the bits of the rows allow, in one line. */
function bitsLine({ invariance }: Pick<Profile, "invariance">): string {
  const { classes, maxDifference, argmaxFlips, rows, dependent, coarse } = invariance;
  if (dependent !== undefined) return `one position at a time: ${dependent}`;
  if (rows === 0) return "one position at a time: no rows were compared";
  const sets = classes.map((members) => `{${members.join(" ")}}`).join(" ");
  const kernels = coarse === undefined ? "" : `; coarse kernels: ${coarse}`;
  if (classes.length === 1) return `every n gives the same bits${kernels}`;
  return (
    `bits differ between ${sets}: by ${maxDifference.toExponential(1)} from single rows at most, ` +
    `${argmaxFlips} argmax flips in ${rows} rows${kernels}`
  );
}

/** `experts of a layer that real text wakes: 4.0 by 1 position, 9.8 by 4, ...` */
function routingLine(uniqueExperts: readonly number[]): string {
  const shown = [1, 2, 4, 8, 16, 32, 64].filter((n) => n <= uniqueExperts.length);
  const parts = shown.map((n) => `${uniqueExperts[n - 1]!.toFixed(1)} by ${n}${n === 1 ? " position" : ""}`);
  return `experts of a layer that real text wakes: ${parts.join(", ")}`;
}
