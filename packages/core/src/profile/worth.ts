import { invariantRows, resolveConsistency } from "./consistency.ts";
import { DEFAULT_MAX_POSITIONS } from "./curve.ts";
import { expectedTokens } from "./expected-tokens.ts";
import type { Profile } from "./profile.ts";

/** Shares of draft tokens accepted that reports show: varied text, code, text that repeats itself. */
export const ACCEPTANCES = [0.5, 0.7, 0.9] as const;

/** The number of positions that pays best at one acceptance. */
export interface BestAt {
  readonly acceptance: number;
  readonly positions: number;
  /** Tokens per ms over those of a plain loop of one position, drafting free: E(n) / r(n). */
  readonly speedup: number;
}

/** What a measured curve is worth to a decode loop. */
export interface Worth {
  /** What `createScheduler({ profile })` comes to, and what `best` is for. */
  readonly consistency: "bitwise" | "tolerant";
  readonly best: readonly BestAt[];
  /** Where `bitwise` leaves numbers of positions out: what any of them would give. */
  readonly tolerant?: readonly BestAt[];
}

/**
 * The best n and its speed-up at each of `acceptances`: the largest E(n) / r(n) over the measured n that a scheduler may choose, up to
 * its default most. E(n): see `expectedTokens`; r(n) = T(n)/T(1), always against one position as the model runs it alone.
 */
export function worthOf(profile: Profile, acceptances: readonly number[] = ACCEPTANCES): Worth {
  const all = profile.points.map(({ positions }) => positions);
  // Several sequences in one forward have no bitwise mode.
  const consistency = profile.key.cell.batch === 1 ? resolveConsistency("auto", [profile]) : "tolerant";
  const tolerant = acceptances.map((acceptance) => bestAt(profile, all, acceptance));
  if (consistency === "tolerant") return { consistency, best: tolerant };
  const rows = invariantRows([profile]);
  const best = acceptances.map((acceptance) => bestAt(profile, rows, acceptance));
  return { consistency, best, tolerant };
}

function bestAt({ points }: Profile, rows: readonly number[], acceptance: number): BestAt {
  let best: BestAt | undefined;
  for (const { positions, ratio } of points) {
    if (positions > DEFAULT_MAX_POSITIONS || !rows.includes(positions)) continue;
    const speedup = expectedTokens(positions, acceptance) / ratio;
    if (best === undefined || speedup > best.speedup) best = { acceptance, positions, speedup };
  }
  return best ?? { acceptance, positions: 1, speedup: 1 };
}
