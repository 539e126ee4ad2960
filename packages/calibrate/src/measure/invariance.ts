import type { Invariance } from "@nearfree/core";
import type { ProbeRows } from "@nearfree/core/measure";
import type { Meter } from "./meter.ts";

/** Most bytes of logits kept for comparison per class; later rows of a wide forward are not compared beyond it. */
const MAX_CLASS_BYTES = 64 << 20;

/** Rows that are run one position at a time, to be compared with the same rows run at once; fewer where neighbours compared more. */
const SINGLE_ROWS = 16;
const HINTED_SINGLE_ROWS = 4;

interface InvarianceClass {
  readonly members: number[];
  /** Rows of its widest member: row j is the same in every member that has it. */
  rows: Float32Array;
}

/**
 * Sorts n into classes within which a row's logits are the same bits, from the logits of forwards of the same tokens on the
 * same context. Row j of a forward of n positions does not depend on n in exact arithmetic, so any difference is the kernels'.
 */
export class InvarianceRecorder {
  readonly #classes: InvarianceClass[] = [];
  readonly #unstable = new Set<number>();
  #maxDifference = 0;
  #rows = 0;
  #argmaxFlips = 0;

  /** Takes the logits of one forward of n positions, row-major [n, columns]; of n = 1 also of several in a row. */
  record(n: number, logits: Float32Array, columns: number): void {
    if (this.#unstable.has(n)) return;
    const kept = Math.max(1, Math.min(logits.length / columns, Math.floor(MAX_CLASS_BYTES / (4 * columns))));
    const known = this.#classes.findIndex(({ members }) => members.includes(n));
    if (known !== -1) {
      const own = this.#classes[known]!;
      if (!equalBits(own.rows, logits.subarray(0, kept * columns))) this.#isolate(n, known);
      else if (own.members.length === 1 && kept * columns > own.rows.length) own.rows = logits.slice(0, kept * columns);
      return;
    }
    const rows = logits.slice(0, kept * columns);
    const home = this.#classes.find((known) => equalBits(known.rows, rows));
    for (const known of this.#classes) if (known !== home) this.#compare(known.rows, rows, columns);
    if (home === undefined) {
      this.#classes.push({ members: [n], rows });
    } else {
      home.members.push(n);
      if (rows.length > home.rows.length) home.rows = rows;
    }
  }

  result(): Invariance {
    const alone = [...this.#unstable].map((n) => [n]);
    const classes = [...this.#classes.map(({ members }) => [...members].sort((a, b) => a - b)), ...alone];
    return {
      classes: classes.sort(([a = 0], [b = 0]) => a - b),
      maxDifference: this.#maxDifference,
      rows: this.#rows,
      argmaxFlips: this.#argmaxFlips,
    };
  }

  /** An n whose repeats differ belongs to no class with others. */
  #isolate(n: number, index: number): void {
    const { members } = this.#classes[index]!;
    members.splice(members.indexOf(n), 1);
    if (members.length === 0) this.#classes.splice(index, 1);
    this.#unstable.add(n);
  }

  #compare(a: Float32Array, b: Float32Array, columns: number): void {
    const rows = Math.min(a.length, b.length) / columns;
    for (let row = 0; row < rows; row++) {
      let [bestA, bestB] = [row * columns, row * columns];
      for (let i = row * columns; i < (row + 1) * columns; i++) {
        const difference = Math.abs(a[i]! - b[i]!);
        if (difference > this.#maxDifference) this.#maxDifference = difference;
        if (a[i]! > a[bestA]!) bestA = i;
        if (b[i]! > b[bestB]!) bestB = i;
      }
      this.#rows++;
      if (bestA !== bestB) this.#argmaxFlips++;
    }
  }
}

/** Records several rows of n = 1, before any other n is recorded; `most`: of them that the probe has. */
export async function recordSingly(
  recorder: InvarianceRecorder,
  { columns, singly }: ProbeRows,
  meter: Meter,
  { most, hinted }: { readonly most: number; readonly hinted: boolean },
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

/** Whether the values that both have are the same bits. */
function equalBits(a: Float32Array, b: Float32Array): boolean {
  const length = Math.min(a.length, b.length);
  const left = new Uint32Array(a.buffer, a.byteOffset, length);
  const right = new Uint32Array(b.buffer, b.byteOffset, length);
  for (let i = 0; i < length; i++) if (left[i] !== right[i]) return false;
  return true;
}
