import { mulberry } from "./mulberry.ts";

/** Noise of forward times as seen on shared machines: log of a factor around 1. */
export interface NoiseOptions {
  /** Standard deviation of the log of every forward. */
  readonly sigma: number;
  /** Share of forwards that take three to ten times as long: garbage collection, a descheduled thread. */
  readonly spikes?: number;
  /** Share of forwards at which other load begins that doubles the time of the next 20 to LONGEST_BURST. */
  readonly bursts?: number;
  /** Standard deviation of a slow wander of the log, and the forwards over which it forgets. */
  readonly wander?: number;
  readonly wanderForwards?: number;
}

export const LONGEST_BURST = 90;

export const NOISES: readonly ({ readonly name: string } & NoiseOptions)[] = [
  { name: "quiet", sigma: 0.03 },
  { name: "noisy", sigma: 0.1 },
  { name: "spikes", sigma: 0.05, spikes: 0.05 },
  { name: "bursts", sigma: 0.05, bursts: 1 / 4000 },
  { name: "wander", sigma: 0.04, wander: 0.02, wanderForwards: 100 },
  { name: "all of it", sigma: 0.06, spikes: 0.02, bursts: 1 / 8000, wander: 0.015, wanderForwards: 100 },
];

/** A repeatable stream of logs: `next()` is the log of the next forward's factor. */
export function createNoise(options: NoiseOptions, seed: number): () => number {
  const { sigma, spikes = 0, bursts = 0, wander = 0, wanderForwards = 1 } = options;
  const random = mulberry(seed);
  const keep = Math.exp(-1 / wanderForwards);
  let slow = 0;
  let left = 0;
  return () => {
    slow = keep * slow + wander * Math.sqrt(1 - keep * keep) * normal(random);
    if (left > 0) left--;
    else if (random() < bursts) left = 20 + Math.floor((LONGEST_BURST - 20) * random());
    const spike = random() < spikes ? Math.log(3 + 7 * random()) : 0;
    return sigma * normal(random) + slow + spike + (left > 0 ? Math.LN2 : 0);
  };
}

/** Box and Muller. */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
