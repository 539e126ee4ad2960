import type { Runner } from "@nearfree/core";
import { seedRunner } from "@nearfree/ort-adapter";
import { pairedSpeed } from "../../measure/paired-speed.ts";

/** What a rewrite is worth at one length of the cache: for one row, as a plain loop runs it, and for several, as drafts do. */
export interface FormSpeed {
  readonly context: number;
  readonly rows: number;
  /** Time of the original over that of the rewrite. */
  readonly ratio: number;
}

export interface TimeFormsOptions {
  readonly contexts: readonly number[];
  /** ms of any origin. Default `performance.now`. */
  readonly now?: () => number;
  /** Ms after which no further context is begun. Default 4,000. */
  readonly mostMs?: number;
}

const ROWS = [1, 4];
/** Five pairs of forwards decide, or three where they take long. */
const PAIRS = { leastPairs: 3, mostPairs: 5, budgetMs: 1_000 };

/** Runs both in turns, on caches filled without a forward. Both runners are empty before and after. */
export async function timeForms(
  original: Runner,
  rewrite: Runner,
  { contexts, now = () => performance.now(), mostMs = 4_000 }: TimeFormsOptions,
): Promise<FormSpeed[]> {
  const began = now();
  const speeds: FormSpeed[] = [];
  for (const context of contexts) {
    if (speeds.length > 0 && now() - began > mostMs) break;
    for (const rows of ROWS) {
      const options = { ...PAIRS, contextLength: context, rows, fill: seedRunner, clock: now };
      const { ratio } = await pairedSpeed(original, rewrite, options);
      speeds.push({ context, rows, ratio: 1 / ratio });
    }
  }
  return speeds;
}

/** Geometric mean over all that was timed. */
export function meanSpeed(speeds: readonly FormSpeed[]): number {
  return Math.exp(speeds.reduce((sum, { ratio }) => sum + Math.log(ratio), 0) / speeds.length);
}
