import { DEFAULT_EPSILON, type Level, type Profile } from "@nearfree/core";
import { type BoundaryView, boundaryView, DOUBT } from "./boundary-view.ts";
import { formatCount, formatRanges, formatRatio, formatSpan } from "./format.ts";

/** What a measurement says in one sentence: `6 positions are near-free; idle compute promises 19.` */
export function verdict(profile: Profile, epsilon = DEFAULT_EPSILON): string {
  const boundary = boundaryView(profile, epsilon);
  if (boundary.level === "unresolvable") return "Too much noise to tell which positions are near-free.";
  const again = boundary.freeSet.slice(1);
  const verb = again.length === 1 && again[0]![0] === again[0]![1] ? "is" : "are";
  const ranges = formatRanges(again);
  const rest =
    again.length === 0 ? "" : boundary.prefixFree === 1 ? `, but ${ranges} ${verb}` : `, and so ${verb} ${ranges}`;
  const idle = profile.idleCompute.positions;
  const promise = idle === boundary.prefixFree ? ", as idle compute promises" : `; idle compute promises ${idle}`;
  return `${capitalised(subject(boundary, profile))} near-free${rest}${promise}.`;
}

/** The verdict on several cells of one model in one environment: the range, and what it is compared with. */
export function gridVerdict(profiles: readonly Profile[], epsilon = DEFAULT_EPSILON): string {
  if (profiles.length === 1) return verdict(profiles[0]!, epsilon);
  const known = profiles
    .map((profile) => boundaryView(profile, epsilon))
    .filter(({ level }) => level !== "unresolvable");
  if (known.length === 0) return verdict(profiles[0]!, epsilon);
  const idle = formatSpan(
    profiles.map((profile) => profile.idleCompute.positions),
    String,
    " to ",
  );
  const found = formatSpan(
    known.map(({ prefixFree }) => prefixFree),
    String,
    " to ",
  );
  const promise = `idle compute promises ${idle}.`;
  if (found === "1") return `No second position is near-free in any of ${profiles.length} cells; ${promise}`;
  return `${found} positions are near-free, by context and batch; ${promise}`;
}

/** The sentence after the verdict: what was compared with what, and how sure it is. */
export function verdictDetail(profile: Profile, epsilon = DEFAULT_EPSILON): string {
  const { prefixFree, level } = boundaryView(profile, epsilon);
  const limit = formatRatio(1 + epsilon);
  const smallest = profile.run.smallestRatio;
  if (level === "unresolvable") {
    const told =
      smallest === undefined
        ? ""
        : `: only ratios above ${formatRatio(smallest, 3)} can be told from 1, and that is too coarse`;
    return `Near-free means at most ${limit} times the cost of one position; this machine was too restless to see that${told}.`;
  }
  const doubt: Readonly<Record<Level, string>> = {
    certified: "The interval decides.",
    "~": "The point that ends it lies within 2% of the limit, so it may move by one step.",
    budget: "The budget was spent before the interval could decide.",
    unresolvable: "",
  };
  const upTo =
    prefixFree === 1
      ? "a forward of 2 positions costs more than"
      : `every forward of up to ${prefixFree} positions costs at most`;
  return `${capitalised(upTo)} ${limit} times one of a single position (ε = ${epsilon}). ${doubt[level]}`.trimEnd();
}

/** How many times more than was measured the idle-compute baseline promises. */
export function overPrediction(profile: Profile, epsilon: number): number {
  return profile.idleCompute.positions / boundaryView(profile, epsilon).prefixFree;
}

function subject({ prefixFree, level }: BoundaryView, { points }: Profile): string {
  const about = DOUBT[level] === "" ? "" : "about ";
  if (prefixFree === 1) return about === "" ? "no second position is" : "probably no second position is";
  if (prefixFree === points.at(-1)!.positions) return `all ${formatCount(prefixFree, "position")} measured are`;
  return `${about}${formatCount(prefixFree, "position")} are`;
}

const capitalised = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
