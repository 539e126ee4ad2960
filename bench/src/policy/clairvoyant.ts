import { costMs, type Machine } from "./machine.ts";
import type { Stream } from "./stream.ts";

/**
 * The least ms in which a loop can walk the stream, knowing every draft's fate and every cost: the bound of every rule that
 * decides without them.
 *
 * Exact, by dynamic programming from the end: the best way on from t is a forward of a + 1 positions, a <= right[t], run as the
 * cheapest rows that hold them, and the best way on from t + a + 1. A position beyond the accepted ones brings nothing.
 */
export function clairvoyantMs(stream: Stream, machine: Machine): number {
  const { length, right, context } = stream;
  const best = new Float64Array(length + 1);
  const widest = machine.perContextMs.length;
  const cheapest = new Float64Array(widest);
  for (let t = length - 1; t >= 0; t--) {
    let least = Number.POSITIVE_INFINITY;
    for (let rows = widest; rows >= 1; rows--) {
      least = Math.min(least, costMs(machine, t, rows, context[t]!));
      cheapest[rows - 1] = least;
    }
    let ms = cheapest[0]! + best[t + 1]!;
    for (let a = 1; a <= Math.min(right[t]!, widest - 1); a++)
      ms = Math.min(ms, cheapest[a]! + machine.draftMs + best[t + a + 1]!);
    best[t] = ms;
  }
  return best[0]!;
}
