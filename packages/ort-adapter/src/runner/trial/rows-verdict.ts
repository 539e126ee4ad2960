import { NearfreeError } from "@nearfree/core";
import type { KvCache } from "../cache/kv-cache.ts";
import type { DecoderPass } from "../decoder-pass.ts";
import type { FirstRun } from "./first-run.ts";
import {
  changeByLaterRows,
  RowTrial,
  type SingleRows,
  type TogetherRows,
  type TrialErrors,
  trialErrors,
  trialText,
} from "./row-trial.ts";

/** A row that changes by more with the tokens behind it depends on them: experts in fp32 change by 4e-7, one activation scale by 0.03 to 0.15. */
const MOST_CHANGE = 2e-3;
/** Errors of a row between which the bound of rounding is set, at four times what the whole text at once shows: wrong masks give 0.3 to 3. */
const LEAST_BOUND = 0.02;
export const MOST_BOUND = 0.3;
const BOUND_FACTOR = 4;
/** Texts in which the same row must be off: int4 kernels are, rarely, in one. */
const TEXTS = 3;

/** What several rows at once were found to be, one position at a time on the same cache being right. */
export interface RowsVerdict {
  /** Why rows must be run one at a time; undefined where several equal single ones. */
  readonly fault: string | undefined;
  /** Logits of the first text's forwards, to compare another cache with; undefined where several rows do not run. */
  readonly together: TogetherRows | undefined;
  readonly singles: SingleRows;
}

/** Compares several rows at once with the same rows run singly: on an empty cache, on a past, after rewinds. 12 forwards, 36 in doubt. */
export async function judgeRows(
  pass: DecoderPass,
  cache: KvCache,
  { columns, ids }: Pick<FirstRun, "columns" | "ids">,
): Promise<RowsVerdict> {
  const trial = new RowTrial(pass, cache);
  const { singles, together } = await runBoth(trial, ids, 0);
  const verdict = (fault?: string): RowsVerdict => ({ fault, together, singles });
  if (together === undefined) return verdict("several rows on a KV cache do not run");
  if (changeByLaterRows(together, columns) > MOST_CHANGE) {
    return verdict("a row's logits change with the tokens behind it");
  }
  let off = rowsOff(trialErrors(together, singles, columns));
  for (let index = 1; off.length > 0 && index < TEXTS; index++) {
    const again = await runBoth(trial, ids, index);
    const rows = again.together === undefined ? off : rowsOff(trialErrors(again.together, again.singles, columns));
    off = off.filter((row) => rows.includes(row));
  }
  return verdict(
    off.length > 0 ? "several rows at once give other logits than the same rows one at a time" : undefined,
  );
}

async function runBoth(
  trial: RowTrial,
  ids: number,
  index: number,
): Promise<{ readonly singles: SingleRows; readonly together: TogetherRows | undefined }> {
  const text = trialText(ids, index);
  const singles = await trial.singly(text);
  try {
    return { singles, together: await trial.together(text) };
  } catch (error) {
    // A kernel may refuse what it cannot do, such as several rows on a past.
    if (error instanceof NearfreeError && error.code === "run-failed") return { singles, together: undefined };
    throw error;
  }
}

/** Rows that are off by more than rounding, by their place in the trial. */
export function rowsOff({ whole, onPast }: TrialErrors): number[] {
  const bound = roundingBound(whole);
  return [...whole, ...onPast].flatMap((error, row) => (error > bound ? [row] : []));
}

function roundingBound(whole: readonly number[]): number {
  const typical = whole.toSorted((a, b) => a - b)[Math.floor(whole.length / 2)] ?? 0;
  return Math.min(MOST_BOUND, Math.max(LEAST_BOUND, BOUND_FACTOR * typical));
}
