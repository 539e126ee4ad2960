import type { Runner } from "@nearfree/core";
import { seedRunner } from "@nearfree/ort-adapter";
import { median } from "../../measure/statistics/stats.ts";

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
/** Forwards of each that do not count: memory grows, and kernels see their shapes. */
const WARM = 1;
const PAIRS = 5;
/** Where a forward takes so long that five pairs would take more than this, three decide. */
const FEW_PAIRS = 3;
const CELL_MS = 1_000;

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
    for (const runner of [original, rewrite]) await seedRunner(runner, context);
    for (const rows of ROWS) speeds.push({ context, rows, ratio: await timePairs(original, rewrite, rows, now) });
  }
  for (const runner of [original, rewrite]) runner.rewind(0);
  return speeds;
}

/** Geometric mean over all that was timed. */
export function meanSpeed(speeds: readonly FormSpeed[]): number {
  return Math.exp(speeds.reduce((sum, { ratio }) => sum + Math.log(ratio), 0) / speeds.length);
}

async function timePairs(original: Runner, rewrite: Runner, rows: number, now: () => number): Promise<number> {
  const context = original.length;
  const { vocabularySize } = original.describe();
  const tokens = Int32Array.from({ length: rows }, (_, i) => i % vocabularySize);
  const timed = async (runner: Runner) => {
    const start = now();
    await runner.forward(tokens);
    const ms = now() - start;
    runner.rewind(context);
    return ms;
  };
  const began = now();
  const logRatios: number[] = [];
  for (let pair = -WARM; pair < PAIRS; pair++) {
    const [first, second] = [await timed(original), await timed(rewrite)];
    if (pair >= 0) logRatios.push(Math.log(first / second));
    if (logRatios.length >= FEW_PAIRS && now() - began > CELL_MS) break;
  }
  return Math.exp(median(logRatios));
}
