import type { Clock } from "@nearfree/core";
import type { Meter } from "./meter.ts";

/** Ms of the clock's own time that a watch lasts: or until its first step, where that is longer. */
const WATCH_MS = 1;
/** Watches: what interrupts one of them (other work, a garbage collection) looks like a coarse clock, but not in all. */
const WATCHES = 5;
/** A grain that one watch is enough to believe: no interruption is as short. */
const FINE_MS = 0.01;
/** A watch goes on until this many times what the clock falls back by have passed: steps are what is beyond its jitter. */
const JITTERS = 3;
/** Readings that show how far it falls back. */
const JITTER_READS = 100;
/** Readings in all, for a clock that never moves by itself: half a second of them, five steps of the coarsest clock known (100 ms). */
const MAX_READS = 10_000_000;
/** Share of epsilon that the clock's grain may take in a sample. */
const GRAIN_SHARE = 0.1;
/** Most forwards timed together: beyond it the model is too fast for the clock. */
export const MAX_GROUP = 64;
/** Above this share of a timing the grain hides how long a forward takes: several are timed together to see. */
const HIDING_SHARE = 0.25;

/**
 * What one reading of the clock may be off by, in ms: its step, as it is seen while it is watched, or how far it falls back. Undefined
 * for a clock that does not move by itself: a scripted one, or one that stands still.
 */
export function clockGrain(clock: Clock): number | undefined {
  let finest: number | undefined;
  let readsLeft = MAX_READS;
  const counted = () => {
    readsLeft--;
    return clock();
  };
  for (let i = 0; i < WATCHES && readsLeft > 0; i++) {
    const grain = watch(counted, () => readsLeft > 0);
    if (grain === undefined) return finest;
    if (finest !== undefined && readsLeft <= 0) break;
    finest = Math.min(finest ?? grain, grain);
    if (finest <= FINE_MS) break;
  }
  return finest;
}

/**
 * The step that the middle of the watched time passed in. Only what goes beyond every earlier reading is progress: a clock may jitter by
 * less than its step, and by more than what a watch of few steps would see.
 */
function watch(clock: Clock, goesOn: () => boolean): number | undefined {
  const start = clock();
  let highest = start;
  let fall = 0;
  const steps: number[] = [];
  for (let reads = 0; goesOn(); reads++) {
    if (reads > JITTER_READS && highest - start >= Math.max(WATCH_MS, JITTERS * fall)) break;
    const now = clock();
    if (now > highest) {
      steps.push(now - highest);
      highest = now;
    } else if (highest - now > fall) {
      fall = highest - now;
    }
  }
  if (steps.length === 0) return fall > 0 ? Number.POSITIVE_INFINITY : undefined;
  // Cut short in the middle of a step: nothing finer than the whole of it was seen.
  if (!goesOn()) return Math.max(WATCH_MS, highest - start, fall);
  let left = (highest - start) / 2;
  for (const step of steps.sort((a, b) => a - b)) {
    left -= step;
    if (left <= 0) return Math.max(step, fall);
  }
  return Math.max(highest - start, fall);
}

/** Forwards to time together so that grain / (group * baseMs) <= epsilon / 10; undefined where even 64 are too few. */
export function forwardsPerSample(grainMs: number, baseMs: number, epsilon: number): number | undefined {
  if (grainMs === 0) return 1;
  const group = Math.max(1, Math.ceil(grainMs / (GRAIN_SHARE * epsilon * baseMs)));
  return group <= MAX_GROUP ? group : undefined;
}

/**
 * Groups the meter's forwards as the clock needs. `grainMs` as `clockGrain` saw it before; `warm`: ms of single forwards of one position.
 * False where even 64 forwards are too short for the clock: the meter times so many then.
 *
 * @throws MeasuringStopped
 */
export async function fitGroup(
  meter: Meter,
  grainMs: number | undefined,
  warm: readonly number[],
  epsilon: number,
): Promise<boolean> {
  const grain = grainMs ?? grainOfTimings(warm);
  let baseMs = Math.min(...warm.filter((ms) => ms > 0));
  let group = forwardsPerSample(grain, baseMs, epsilon);
  if (grain > HIDING_SHARE * baseMs || !Number.isFinite(baseMs)) {
    // A single forward shows as no step of the clock or as one: several say how long it takes.
    meter.group = group ?? MAX_GROUP;
    baseMs = (await meter.time(1)) - grain / meter.group;
    group = baseMs > 0 ? forwardsPerSample(grain, baseMs, epsilon) : undefined;
  }
  meter.group = group ?? MAX_GROUP;
  meter.trusted = group !== undefined;
  return group !== undefined;
}

/** Of a clock that moves only while forwards run: as coarse as the finest difference that they show. */
function grainOfTimings(timings: readonly number[]): number {
  if (!timings.some((ms) => ms > 0)) return Number.POSITIVE_INFINITY;
  const sorted = [...timings].sort((a, b) => a - b);
  const differences = sorted.slice(1).map((ms, i) => ms - sorted[i]!);
  const finest = Math.min(...differences.filter((ms) => ms > 0));
  return Number.isFinite(finest) ? finest : 0;
}
