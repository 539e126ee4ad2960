import type { Profile } from "@nearfree/core";

/** Cells on either side of n, in octaves: half the width of a bar for a single n. */
export const HALF_POSITION = 0.12;
/** The x axis reaches this many octaves beyond its outermost n. */
const X_PADDING = 0.2;
/** An idle-compute baseline more than this many times beyond the last measured n is named at the border instead of drawn. */
const IDLE_REACH = 2.5;
const FEWEST_OCTAVES = 3;
const RATIO_TICKS = [0.25, 0.35, 0.5, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128];
/** Room for labels under the curve and for marks above it, as shares of its height. */
const ROOM_BELOW = 0.1;
const ROOM_ABOVE = 0.04;
/** Share of the height that two ticks must lie apart. */
const TICK_DISTANCE = 0.065;

export interface Axis {
  readonly domain: readonly [number, number];
  readonly ticks: readonly number[];
}

/** Positions, in octaves: a tick for each power of two. Holds the idle-compute baseline too, where that is not far away. */
export function positionsAxis({ points, idleCompute }: Pick<Profile, "points" | "idleCompute">): Axis {
  const last = points.at(-1)!.positions;
  const idle = idleCompute.positions;
  const top = Math.max(2 ** FEWEST_OCTAVES, last, idle <= last * IDLE_REACH ? idle : 0);
  const octaves = Math.floor(Math.log2(top) + 1e-9);
  return {
    domain: [2 ** -X_PADDING, top * 2 ** X_PADDING],
    ticks: Array.from({ length: octaves + 1 }, (_, octave) => 2 ** octave),
  };
}

/**
 * r(n), on a logarithmic scale: an equal distance is an equal factor, so 5% stay visible beside 800%. One wild interval does not
 * flatten the rest: the axis ends at twice the range of the ratios themselves.
 */
export function ratioAxis({ points }: Pick<Profile, "points">, most: number): Axis {
  const ratios = points.map(({ ratio }) => ratio);
  const top = Math.max(most, ...points.map(({ high, ratio }) => Math.min(high, ratio * 2)));
  const bottom = Math.min(1, ...ratios, ...points.map(({ low, ratio }) => Math.max(low, ratio / 2)));
  const range = top / bottom;
  const domain = [bottom * range ** -ROOM_BELOW, top * range ** ROOM_ABOVE] as const;
  return { domain, ticks: spacedTicks(domain) };
}

/** Of the round figures inside `domain` those that have room, 1 and 2 first. */
function spacedTicks([bottom, top]: readonly [number, number]): number[] {
  const span = Math.log(top / bottom);
  const kept: number[] = [];
  const inside = RATIO_TICKS.filter((tick) => tick >= bottom && tick <= top);
  const byWorth = [...inside].sort((a, b) => Number(isPower(b)) - Number(isPower(a)) || a - b);
  for (const tick of byWorth) {
    if (kept.every((other) => Math.abs(Math.log(tick / other)) / span >= TICK_DISTANCE)) kept.push(tick);
  }
  return kept.sort((a, b) => a - b);
}

const isPower = (value: number) => Number.isInteger(Math.log2(value));

/** `value`, or the end of the axis that it lies beyond. */
export const clamped = (value: number, [low, high]: readonly [number, number]): number =>
  Math.min(high, Math.max(low, value));
