import { argmax, type Runner } from "@nearfree/core";
import type { RowTraits } from "../../onnx/graph/rows/row-traits.ts";
import { rowError } from "./compare-rows.ts";
import { trialText } from "./row-trial.ts";

/** How two runners of one model differ, row by row, as `rowError`. */
export interface RunnerDifference {
  /** Why the second may not stand for the first; undefined where it may. */
  readonly fault: string | undefined;
  /** Of the largest and the middle one of the rows. */
  readonly largestError: number;
  readonly medianError: number;
  /** Rows compared, and those whose arg max is another one. */
  readonly rows: number;
  readonly flips: number;
}

/** Rows compared, but for those that lead beyond a window or a wall. */
const ROWS = 24;
/** The same where kernels are coarse: some rows agree by chance. */
const COARSE_ROWS = 48;
/** No longer way is gone to what changes at a length: the rewrites of windows and walls are the same for every length. */
const MOST_ROWS = 320;
/** Rounding of fp32 attention is some 1e-6 of a row; a mask, a scale or a head in the wrong place is 0.05 and more. */
const MOST_ERROR = 1e-3;
/** Where kernels round activations to eight bits, one row in ten is off by up to a tenth, and the middle one by 1e-3. */
const MOST_COARSE_MEDIAN = 0.02;
const MOST_COARSE_ERROR = 0.5;

/**
 * Runs a text one position at a time through both, with a rewind into its middle, beyond the window and the walls that `traits` name
 * where those are near, and compares the logits of every position. Both runners are empty before and after.
 */
export async function compareRunners(
  reference: Runner,
  candidate: Runner,
  traits: RowTraits,
): Promise<RunnerDifference> {
  const { vocabularySize, contextLimit } = reference.describe();
  const lengths = [traits.window, ...traits.walls].filter((length) => length !== undefined && length + 4 <= MOST_ROWS);
  const count = Math.min(
    contextLimit,
    Math.max(traits.coarse === undefined ? ROWS : COARSE_ROWS, ...lengths.map((length) => length! + 4)),
  );
  const tokens = Array.from({ length: Math.ceil(count / 6) }, (_, i) => trialText(vocabularySize, i).a)
    .flat()
    .slice(0, count);
  const errors: number[] = [];
  let flips = 0;
  const compare = async (from: number, to: number) => {
    for (let i = from; i < to; i++) {
      const expected = (await reference.forward([tokens[i]!])).slice();
      const found = await candidate.forward([tokens[i]!]);
      errors.push(rowError(found, expected));
      if (argmax(found, 0, vocabularySize) !== argmax(expected, 0, vocabularySize)) flips++;
    }
  };
  for (const runner of [reference, candidate]) runner.rewind(0);
  await compare(0, count);
  const middle = count >> 1;
  for (const runner of [reference, candidate]) runner.rewind(middle);
  await compare(middle, Math.min(count, middle + 4));
  for (const runner of [reference, candidate]) runner.rewind(0);
  return { ...judge(errors, traits.coarse !== undefined), rows: errors.length, flips };
}

function judge(errors: readonly number[], coarse: boolean): Omit<RunnerDifference, "rows" | "flips"> {
  const sorted = errors.toSorted((a, b) => a - b);
  const largestError = sorted.at(-1) ?? Number.POSITIVE_INFINITY;
  const medianError = sorted[sorted.length >> 1] ?? Number.POSITIVE_INFINITY;
  const right = coarse
    ? medianError <= MOST_COARSE_MEDIAN && largestError <= MOST_COARSE_ERROR
    : largestError <= MOST_ERROR;
  const fault = right ? undefined : `its logits are off by ${largestError.toPrecision(2)} of their spread at most`;
  return { fault, largestError, medianError };
}
