import type { Runner } from "@nearfree/core";
import { readIn } from "./measure-invariance.ts";

/** Most positions of a forward of the fixed schedule. */
const WIDEST_FIXED = 8;

export interface ScheduleReport {
  /** Rows of random schedules that were compared with the fixed one, and those with another bit anywhere. */
  readonly rows: number;
  readonly mismatches: number;
  readonly schedules: number;
}

export interface ScheduleOptions {
  /** One invariance class: the n that a schedule may use. */
  readonly widths: readonly number[];
  readonly contextLength: number;
  /** Positions of the text after the context. */
  readonly span: number;
  /** Rows to compare at least. */
  readonly rows: number;
  readonly random: () => number;
  /** Called before each forward; false ends the comparison early. */
  readonly within?: () => boolean;
}

/**
 * Runs a text by random schedules and compares every row of logits, bit for bit, with those of a schedule of one n of the
 * class. A schedule draws n from the class, forwards n positions, keeps a random part of them and rewinds the rest, as
 * speculative decoding does; so what is compared depends on every cache entry that earlier steps left. `tokens` holds
 * contextLength + span + the largest width.
 */
export async function compareSchedules(
  runner: Runner,
  tokens: Int32Array,
  { widths, contextLength, span, rows, random, within = () => true }: ScheduleOptions,
): Promise<ScheduleReport> {
  const { vocabularySize } = runner.describe();
  const reach = span + Math.max(...widths);
  const fixed = await fixedRows(runner, tokens, contextLength, reach, fixedWidth(widths));
  let [compared, mismatches, schedules] = [0, 0, 0];
  while (compared < rows && within()) {
    runner.rewind(contextLength);
    schedules++;
    for (let at = 0; at < span && compared < rows && within(); ) {
      const n = widths[Math.floor(random() * widths.length)]!;
      const start = contextLength + at;
      const logits = await runner.forward(tokens.subarray(start, start + n));
      const bits = new Uint32Array(logits.buffer, logits.byteOffset, n * vocabularySize);
      for (let row = 0; row < n; row++, compared++) {
        const own = bits.subarray(row * vocabularySize, (row + 1) * vocabularySize);
        if (!sameBits(own, fixed.subarray((at + row) * vocabularySize, (at + row + 1) * vocabularySize))) mismatches++;
      }
      const kept = 1 + Math.floor(random() * n);
      runner.rewind(start + kept);
      at += kept;
    }
  }
  return { rows: compared, mismatches, schedules };
}

/** A wide one, since it is quicker; none so wide that the text is a few forwards. */
function fixedWidth(widths: readonly number[]): number {
  const moderate = widths.filter((n) => n <= WIDEST_FIXED);
  return moderate.length > 0 ? Math.max(...moderate) : Math.min(...widths);
}

/** Bits of `count` rows after the context, [count, vocabulary], by forwards of `width` positions; the last ones overlap. */
async function fixedRows(
  runner: Runner,
  tokens: Int32Array,
  contextLength: number,
  count: number,
  width: number,
): Promise<Uint32Array> {
  const { vocabularySize } = runner.describe();
  const rows = new Float32Array(count * vocabularySize);
  await readIn(runner, tokens, contextLength);
  for (let at = 0; at < count; ) {
    const from = Math.min(at, count - width);
    runner.rewind(contextLength + from);
    const start = contextLength + from;
    rows.set(await runner.forward(tokens.subarray(start, start + width)), from * vocabularySize);
    at = from + width;
  }
  return new Uint32Array(rows.buffer);
}

function sameBits(a: Uint32Array, b: Uint32Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return a.length === b.length;
}
