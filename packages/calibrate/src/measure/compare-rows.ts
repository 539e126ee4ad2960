import type { ProbeRows } from "@nearfree/core/measure";
import type { InvarianceRecorder } from "./invariance.ts";
import type { Meter } from "./meter.ts";

/** Rows that are run one position at a time, to be compared with the same rows run at once: where forwards are timed, and elsewhere. */
const SINGLE_ROWS = 16;
const SINGLE_ROWS_ELSEWHERE = 8;
/** The same where neighbours compared more. */
const HINTED_SINGLE_ROWS = 4;

export interface SingleRows {
  /** Rows that the probe has. */
  readonly most: number;
  readonly hinted: boolean;
}

/** Records several rows of n = 1, before any other n is recorded. */
export async function recordSingly(
  recorder: InvarianceRecorder,
  { columns, singly }: ProbeRows,
  meter: Meter,
  { most, hinted }: SingleRows,
): Promise<void> {
  const count = Math.min(hinted ? HINTED_SINGLE_ROWS : SINGLE_ROWS, most);
  recorder.record(1, await meter.untimed(count, () => singly(count)), columns);
}

/** Records the rows of one forward of n positions. */
export async function recordTogether(
  recorder: InvarianceRecorder,
  { columns, together }: ProbeRows,
  meter: Meter,
  n: number,
): Promise<void> {
  recorder.record(n, await meter.untimed(1, () => together(n)), columns);
}

/**
 * Compares every n of `positions` with single rows at every place of the probe, those that were compared while they warmed up left out;
 * where that proves little, at further ones.
 * Apart from the budget of the measurement, which may be spent: what is scheduled from is compared.
 *
 * @throws MeasuringStopped for an abort, or after half the budget's time again: an n that was not compared everywhere is of no class.
 */
export async function compareEverywhere(
  recorder: InvarianceRecorder,
  { columns, together, singly, places = 1, furtherPlaces = 0 }: ProbeRows,
  meter: Meter,
  positions: readonly number[],
  { most, hinted }: SingleRows,
): Promise<void> {
  const compareAt = async (place: number, withSingles: boolean) => {
    if (withSingles && !recorder.has(1, place)) {
      const count = Math.min(hinted ? HINTED_SINGLE_ROWS : SINGLE_ROWS_ELSEWHERE, most);
      recorder.record(1, await meter.apart(count, () => singly(count, place)), columns, place);
    }
    for (const n of positions) {
      if (recorder.has(n, place)) continue;
      recorder.record(n, await meter.apart(1, () => together(n, place)), columns, place);
    }
  };
  for (let place = 0; place < places; place++) await compareAt(place, true);
  // Single rows that agree with no others need no further proof.
  const withSingles = !recorder.isAlone(1);
  const several = positions.filter((n) => n > 1);
  for (let place = places; place < places + furtherPlaces; place++) {
    if (!several.some((n) => recorder.provesLittle(n))) return;
    await compareAt(place, withSingles).catch((error: unknown) => {
      // Half of a place would part those that were compared there from the others.
      recorder.forget(place);
      throw error;
    });
  }
}
