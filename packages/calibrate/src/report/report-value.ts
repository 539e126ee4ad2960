import { EPSILONS, type Profile, type Worth } from "@nearfree/core";
import { hashOf } from "@nearfree/core/measure";
import { type BoundaryView, boundaryView } from "./boundary-view.ts";
import { groupProfiles, type ProfileGroup } from "./group-profiles.ts";
import { gridVerdict, overPrediction, verdict } from "./verdict.ts";
import { knownWorth, worthHeadline } from "./worth-words.ts";

export const REPORT_VERSION = 1;

/** A report for programs: the groups, verdicts and boundaries of the page beside the profiles themselves. */
export interface ReportValue {
  readonly version: typeof REPORT_VERSION;
  readonly groups: readonly (Omit<ProfileGroup, "profiles"> & {
    /** What the model is worth here, in a sentence. */
    readonly headline: string;
    readonly verdict: string;
    readonly cells: readonly ReportCell[];
  })[];
}

export interface ReportCell {
  /** Hash of the profile's whole key. */
  readonly key: string;
  readonly verdict: string;
  /** The best n and its speed-up by acceptance; absent where noise hides it. */
  readonly worth?: Worth;
  readonly boundaries: readonly (BoundaryView & { readonly overPrediction: number })[];
  readonly profile: Profile;
}

export function reportValue(profiles: readonly Profile[]): ReportValue {
  const groups = groupProfiles(profiles).map(({ profiles: members, ...group }) => ({
    ...group,
    headline: worthHeadline(members),
    verdict: gridVerdict(members),
    cells: members.map(reportCell),
  }));
  return { version: REPORT_VERSION, groups };
}

function reportCell(profile: Profile): ReportCell {
  const boundaries = EPSILONS.map((epsilon) => ({
    ...boundaryView(profile, epsilon),
    overPrediction: overPrediction(profile, epsilon),
  }));
  const worth = knownWorth(profile);
  return { key: hashOf(profile.key), verdict: verdict(profile), ...(worth && { worth }), boundaries, profile };
}
