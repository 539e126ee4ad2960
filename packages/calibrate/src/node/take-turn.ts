import { setTimeout as sleep } from "node:timers/promises";
import { NearfreeError, type Profile, type ProfileKey, type ProfileStore, profileStanding } from "@nearfree/core";

/** How long others are waited for at most, in ms: what three cells of the usual budget take. */
export const DEFAULT_WAIT_MS = 60_000;
/** A claim ends by itself after so many ms: a process that died holds the others up no longer. */
const CLAIM_MS = 10_000;
/** Looks at the store while another measures: the first wait, and the longest. */
const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 1_000;

/** Whose turn it is to measure. */
export type Turn =
  /** This process's, and nobody else measures on this device until `end`. */
  | { readonly turn: "own"; end(): Promise<void> }
  /** Nobody's: another process stored the profile meanwhile. */
  | { readonly turn: "done"; readonly profile: Profile }
  /** This process's, while others may be measuring: they took too long, or the store knows no claims. `end` does nothing. */
  | { readonly turn: "shared"; readonly crowded: boolean; end(): Promise<void> };

export interface TakeTurnOptions {
  /** What the store had: another profile than this one ends the wait. Undefined: any whole one does. */
  readonly known?: Profile | undefined;
  /** Measure whatever is found. */
  readonly fresh?: boolean | undefined;
  /** Ms after which the wait ends. Default a minute; 0: no wait. */
  readonly waitMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told once, where another process is waited for. */
  readonly onWait?: (() => void) | undefined;
}

/** Claims the device of `key` for a measurement, or waits while another process has it. @throws NearfreeError `aborted` */
export async function takeTurn(store: ProfileStore, key: ProfileKey, options: TakeTurnOptions = {}): Promise<Turn> {
  const { known, fresh = false, waitMs = DEFAULT_WAIT_MS, signal, onWait } = options;
  const found = async () => {
    const profile = fresh ? undefined : await store.get(key);
    const isNew = profile !== undefined && profile.measuredAt !== known?.measuredAt;
    return isNew && profileStanding(profile) === "whole" ? profile : undefined;
  };
  const until = Date.now() + waitMs;
  for (let pauseMs = FIRST_WAIT_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_WAIT_MS)) {
    const claim = await tryClaim(store, key);
    if (claim === "impossible") return { turn: "shared", crowded: false, end: async () => {} };
    // Whoever had the claim may have stored the profile between the last look and now.
    const profile = await found();
    if (profile !== undefined) {
      await claim?.release();
      return { turn: "done", profile };
    }
    if (claim !== undefined) return { turn: "own", end: holdOn(claim) };
    if (Date.now() >= until) return { turn: "shared", crowded: true, end: async () => {} };
    if (pauseMs === FIRST_WAIT_MS) onWait?.();
    // Those who wait for the same claim do not look at the same moments.
    await sleep(pauseMs * (0.5 + Math.random()), undefined, { signal }).catch(() => {
      throw abortedWait();
    });
  }
}

type HeldClaim = NonNullable<Awaited<ReturnType<NonNullable<ProfileStore["claim"]>>>>;

async function tryClaim(store: ProfileStore, key: ProfileKey): Promise<HeldClaim | undefined | "impossible"> {
  if (store.claim === undefined) return "impossible";
  try {
    return await store.claim(key, CLAIM_MS);
  } catch (error) {
    if (error instanceof NearfreeError && error.code === "store-unwritable") return "impossible";
    throw error;
  }
}

/** Renews the claim until the returned function ends it. */
function holdOn(claim: HeldClaim): () => Promise<void> {
  const renewing = setInterval(() => void claim.renew().catch(() => {}), CLAIM_MS / 4);
  renewing.unref();
  return async () => {
    clearInterval(renewing);
    // It ends by itself where it cannot be removed.
    await claim.release().catch(() => {});
  };
}

function abortedWait(): NearfreeError {
  return new NearfreeError({
    code: "aborted",
    from: "calibrate",
    what: "wait for another process that measures",
    expected: "to run to its end",
    received: "an abort",
    remedy: "start again",
  });
}
