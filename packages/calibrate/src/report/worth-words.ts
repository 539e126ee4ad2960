import { DEFAULT_EPSILON, type Profile, type Worth, worthOf } from "@nearfree/core";
import { boundaryView } from "./boundary-view.ts";
import { formatSpan } from "./format.ts";

/** The acceptance that a headline speaks of. */
export const HEADLINE_ACCEPTANCE = 0.7;
/** Tolerance is worth a word where it gives this many times more. */
const WORTH_A_WORD = 1.02;

/** What the curve of `profile` is worth; undefined where noise hides it. */
export function knownWorth(profile: Profile): Worth | undefined {
  return boundaryView(profile, DEFAULT_EPSILON).level === "unresolvable" ? undefined : worthOf(profile);
}

/** `0.7` as people say it: `7 of 10`. */
export const ofTen = (acceptance: number): string => `${Math.round(acceptance * 10)} of 10`;

export const formatSpeedup = (speedup: number): string => speedup.toFixed(2);

/** What one or several cells are worth, in one sentence: `1.85 times as fast with 4 positions, where 7 of 10 draft tokens are accepted.` */
export function worthHeadline(profiles: readonly Profile[]): string {
  const condition = `where ${ofTen(HEADLINE_ACCEPTANCE)} draft tokens are accepted`;
  const found = profiles.flatMap((profile) => {
    if (knownWorth(profile) === undefined) return [];
    return worthOf(profile, [HEADLINE_ACCEPTANCE]).best;
  });
  if (found.length === 0) return "Too much noise to tell what further positions are worth.";
  const paying = found.filter(({ positions, speedup }) => positions > 1 && speedup > 1);
  if (paying.length === 0) return `One position at a time is best, ${condition}.`;
  const speedups = formatSpan(
    found.map(({ speedup }) => Math.max(1, speedup)),
    formatSpeedup,
    " to ",
  );
  const positions = formatSpan(
    found.map((best) => (best.speedup > 1 ? best.positions : 1)),
    String,
    " to ",
  );
  const by = found.length > 1 ? "; by context and batch" : "";
  return `${speedups} times as fast with ${positions} positions, ${condition}${by}.`;
}

/** What a bitwise run leaves out, and what any n would give; undefined where that is nothing to speak of. */
export function toleranceNote({ best, tolerant = [] }: Worth): string | undefined {
  const more = tolerant.filter(({ speedup }, i) => speedup > Math.max(1, best[i]!.speedup) * WORTH_A_WORD);
  if (more.length === 0) return undefined;
  const figures = more.map(({ speedup, positions }) => `${formatSpeedup(speedup)} times with ${positions}`).join(", ");
  const at = more.map(({ acceptance }) => acceptance).join(", ");
  return `Counted for the default, a run whose bits do not depend on the schedule. With consistency "tolerant", which takes any n: ${figures} (at ${at}).`;
}

/** `1.38x with 3 positions at 0.5, 1.85x with 4 at 0.7, 3.10x with 8 at 0.9` */
export function worthLine({ best }: Worth): string {
  const parts = best.map(({ acceptance, positions, speedup }, i) => {
    const noun = i > 0 ? "" : positions === 1 ? " position" : " positions";
    return `${formatSpeedup(speedup)}x with ${positions}${noun} at ${acceptance}`;
  });
  return parts.join(", ");
}
