import { InvarianceRecorder } from "@nearfree/calibrate";
import type { Runner } from "@nearfree/core";
import { timeLimit } from "../setup/time-limit.ts";

/** Largest n that is sorted into classes. */
export const MAX_POSITIONS = 32;
/** Members of different classes that are compared along a text; where every n is a class of its own, these speak for all. */
const MOST_COMPARED = 4;

const LEAST_WINDOWS = 2;

/** What a model's rows do when n changes. */
export interface InvarianceReport {
  /** Sets of n in 1..32 for which every row had the same bits in every window; each sorted, the first holds n = 1. */
  readonly classes: readonly (readonly number[])[];
  /** Largest absolute difference of a logit between classes, in every comparison made. */
  readonly maxDifference: number;
  /** Rows of the text at which one n of each class was compared, and those whose argmax differed. */
  readonly rows: number;
  readonly argmaxFlips: number;
  /** Windows of the text that the classes hold in. */
  readonly windows: number;
}

export interface InvarianceOptions {
  readonly contextLength: number;
  /** Windows of the text in which every n is run. */
  readonly windows: number;
  /** Rows at which the classes are compared for flips of the argmax. */
  readonly rows: number;
  /** Seconds for the windows, and for the rows: fewer are done when they have passed, but two windows at least, since one may agree by chance. */
  readonly seconds: number;
}

/**
 * Sorts n = 1..32 into invariance classes by running the same tokens on the same context, then compares one n of each class at
 * every position of the text that follows. `tokens` holds at least contextLength + max(windows * 32, rows + 32).
 */
export async function measureInvariance(
  runner: Runner,
  tokens: Int32Array,
  { contextLength, windows, rows, seconds }: InvarianceOptions,
): Promise<InvarianceReport> {
  const { vocabularySize } = runner.describe();
  const within = timeLimit(seconds);
  let classes: number[][] = [];
  let maxDifference = 0;
  let done = 0;
  for (; done < windows && (done < LEAST_WINDOWS || within()); done++) {
    const start = contextLength + done * MAX_POSITIONS;
    await readIn(runner, tokens, start);
    const recorder = new InvarianceRecorder();
    for (let n = 1; n <= MAX_POSITIONS; n++) {
      recorder.record(n, await runner.forward(tokens.subarray(start, start + n)), vocabularySize);
      runner.rewind(start);
    }
    const result = recorder.result();
    maxDifference = Math.max(maxDifference, result.maxDifference);
    classes = done === 0 ? result.classes : intersect(classes, result.classes);
  }
  const compared = await compareAlong(
    runner,
    tokens,
    contextLength,
    rows,
    representatives(classes),
    timeLimit(seconds),
  );
  return {
    classes,
    maxDifference: Math.max(maxDifference, compared.maxDifference),
    rows: compared.rows,
    argmaxFlips: compared.argmaxFlips,
    windows: done,
  };
}

/** Brings the cache to tokens[0..length) by the kernels of n >= 2. */
export async function readIn(runner: Runner, tokens: Int32Array, length: number): Promise<void> {
  runner.rewind(0);
  if (length > 0) await runner.forward(tokens.subarray(0, length), 0);
}

/** The partition in which two n stay together only where both partitions have them together. */
export function intersect(a: readonly (readonly number[])[], b: readonly (readonly number[])[]): number[][] {
  const parts = a.flatMap((first) => b.map((second) => first.filter((n) => second.includes(n))));
  return parts.filter((part) => part.length > 0).sort(([x = 0], [y = 0]) => x - y);
}

/** The smallest n of each class, from the narrowest to the widest. */
function representatives(classes: readonly (readonly number[])[]): number[] {
  const firsts = classes.map(([first]) => first!);
  if (firsts.length <= MOST_COMPARED) return firsts;
  return Array.from(
    { length: MOST_COMPARED },
    (_, i) => firsts[Math.round((i * (firsts.length - 1)) / (MOST_COMPARED - 1))]!,
  );
}

/** Row by row along the text: the first row of a forward of each of `widths`, against that of the first width. */
async function compareAlong(
  runner: Runner,
  tokens: Int32Array,
  contextLength: number,
  rows: number,
  widths: readonly number[],
  within: () => boolean,
): Promise<{ rows: number; argmaxFlips: number; maxDifference: number }> {
  const { vocabularySize } = runner.describe();
  let [compared, argmaxFlips, maxDifference] = [0, 0, 0];
  if (widths.length < 2) return { rows: 0, argmaxFlips, maxDifference };
  await readIn(runner, tokens, contextLength);
  for (; compared < rows && within(); compared++) {
    const start = contextLength + compared;
    let reference: Float32Array | undefined;
    let flipped = false;
    for (const n of widths) {
      const row = (await runner.forward(tokens.subarray(start, start + n))).subarray(0, vocabularySize);
      runner.rewind(start);
      if (reference === undefined) {
        reference = row.slice();
        continue;
      }
      const { difference, flips } = compareRows(reference, row);
      maxDifference = Math.max(maxDifference, difference);
      flipped ||= flips;
    }
    if (flipped) argmaxFlips++;
    // The text goes on by the kernels that a forward of two has, whatever was compared.
    await runner.forward(tokens.subarray(start, start + 2), 0);
    runner.rewind(start + 1);
  }
  return { rows: compared, argmaxFlips, maxDifference };
}

function compareRows(a: Float32Array, b: Float32Array): { difference: number; flips: boolean } {
  let [difference, bestA, bestB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    difference = Math.max(difference, Math.abs(a[i]! - b[i]!));
    if (a[i]! > a[bestA]!) bestA = i;
    if (b[i]! > b[bestB]!) bestB = i;
  }
  return { difference, flips: bestA !== bestB };
}
