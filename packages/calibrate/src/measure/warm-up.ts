import type { Meter } from "./meter.ts";

/** Settled runs in a row that end a warm-up, how close to the fastest they lie, and when to give up waiting for them. */
export const SETTLED_RUNS = 2;
export const SETTLED_TOLERANCE = 0.1;
export const MAX_WARM_RUNS = 8;

/**
 * Runs n until the last 2 times lie within 10% of the fastest, 8 runs at most: a first run may compile pipelines or plan memory.
 * `onRun` is told the ms of each.
 */
export async function warmUp(meter: Meter, n: number, onRun: (ms: number) => void = () => {}): Promise<void> {
  let fastest = Number.POSITIVE_INFINITY;
  const times: number[] = [];
  while (times.length < MAX_WARM_RUNS) {
    const ms = await meter.time(n);
    onRun(ms);
    times.push(ms);
    fastest = Math.min(fastest, ms);
    const last = times.slice(-SETTLED_RUNS);
    if (last.length === SETTLED_RUNS && last.every((time) => time <= fastest * (1 + SETTLED_TOLERANCE))) break;
  }
}
