import type { Clock } from "@nearfree/core";
import type { Probe } from "@nearfree/core/measure";
import { createRandom, type Random } from "../measure/statistics/random.ts";

/** r(n): what a forward of n positions costs, over one of 1. */
export type CostFunction = (n: number) => number;

/** Cost curves as kernels make them, each with r(1) = 1. */
export const COSTS = {
  /** Compute grows under the weights' bandwidth: smooth, then linear. */
  smooth: (n) => (1 + (n / 12) ** 2) ** 0.5 / (1 + (1 / 12) ** 2) ** 0.5,
  /** A trained decoder on a CPU (single percents, then steps of 6 rows). */
  decoder: (n) => 1 + 0.02 * (n - 1) + 0.12 * Math.floor((n - 1) / 6) + (n >= 4 ? 0.02 : 0),
  /** Tiles of 8 rows: flat up to 8, then a step every 8. */
  tiled: (n) => 1 + 0.01 * (n > 1 ? 1 : 0) + 0.45 * Math.floor((n - 1) / 8),
  /** Memory bound up to 16, then a wider tile. */
  wide: (n) => 1 + 0.003 * (n - 1) + 0.6 * Math.floor((n - 1) / 16),
  /** Dynamic B is copied from two rows on. */
  cliff: (n) => (n === 1 ? 1 : 1.6 + 0.01 * n),
  /** A fused kernel for n = 1, and one row per workgroup up to 3; a wide tile from 4 on. */
  gemv: (n) => (n === 1 ? 1 : n < 4 ? 0.95 * n : 1.07 + 0.5 * Math.floor((n - 1) / 16)),
  /** Dearer at 5 to 7 than at 8: an inversion. */
  dip: (n) => (n < 5 ? 1 + 0.015 * (n - 1) : n < 8 ? 1.25 : n < 17 ? 1.06 : 1.5),
  /** Every row costs a whole forward. */
  linear: (n) => n,
  /** Idle compute everywhere. */
  free: (n) => 1 + 0.0005 * (n - 1),
} satisfies Record<string, CostFunction>;

/** How the machine disturbs a forward. Rates are per forward, scales are standard deviations of log time. */
export interface NoiseModel {
  readonly jitter: number;
  readonly spikeRate: number;
  /** Largest log of a spike. */
  readonly spikeSize: number;
  readonly burstRate: number;
  readonly burstEndRate: number;
  /** Random walk of the log of every later forward. */
  readonly walk: number;
  /** Trend of the log of every later forward. */
  readonly trend: number;
}

const SILENT: NoiseModel = {
  jitter: 0,
  spikeRate: 0,
  spikeSize: 0.7,
  burstRate: 0,
  burstEndRate: 1,
  walk: 0,
  trend: 0,
};

export const NOISES = {
  silent: SILENT,
  quiet: { ...SILENT, jitter: 0.01, spikeRate: 0.01 },
  /** Other work arrives and doubles the time of tens of forwards in a row. */
  bursty: { ...SILENT, jitter: 0.03, spikeRate: 0.03, burstRate: 1 / 150, burstEndRate: 1 / 40 },
  /** Clock and cache wander: T(1) moves by tens of per cent in a run. */
  drifting: { ...SILENT, jitter: 0.02, spikeRate: 0.01, walk: 0.006, trend: 0.001 },
  /** More threads than cores: every tenth forward waits for its turn. */
  contended: { ...SILENT, jitter: 0.02, spikeRate: 0.1, spikeSize: 3 },
  /** Nothing can be told apart. */
  hopeless: { ...SILENT, jitter: 1 },
} satisfies Record<string, NoiseModel>;

export interface SyntheticMachineOptions {
  readonly cost: CostFunction;
  /** Or what forwards of one position took, one after the other: ln over their median. A wider forward spans several of them. */
  readonly noise?: NoiseModel | readonly number[];
  readonly seed?: number;
  /** T(1) in ms. Default 1. */
  readonly baseMs?: number;
  readonly maxPositions?: number;
  /** Step of the clock in ms. Default 1 ns. */
  readonly grainMs?: number;
  /** The first forward of each n costs this many times more. Default 3. */
  readonly coldFactor?: number;
  /** Logits of the first n rows by a forward of n positions, row-major. */
  readonly logits?: (n: number) => Float32Array;
  /** Columns of a row in `logits`. Default 1. */
  readonly columns?: number;
}

export interface SyntheticMachine {
  readonly probe: Probe;
  readonly clock: Clock;
  /** Forwards run so far. */
  forwards(): number;
}

/** A scripted machine: `probe` and `clock` share one time line, and the same seed gives the same run. */
export function createSyntheticMachine(options: SyntheticMachineOptions): SyntheticMachine {
  const { cost, noise = NOISES.quiet, seed = 1, baseMs = 1, maxPositions = 64, coldFactor = 3 } = options;
  const { grainMs = 1e-6, logits, columns = 1 } = options;
  const random = createRandom(seed);
  const slowdown = Array.isArray(noise) ? createReplay(noise, random) : createSlowdown(noise as NoiseModel, random);
  const warm = new Set<number>();
  let now = 0;
  let forwards = 0;
  const run = async (n: number) => {
    forwards++;
    now += baseMs * slowdown(cost(n) * (warm.has(n) ? 1 : coldFactor));
    warm.add(n);
  };
  const probe: Probe = {
    maxPositions,
    prepare: () => {},
    run,
    ...(logits && {
      rows: {
        columns,
        async together(n) {
          await run(n);
          return logits(n);
        },
        async singly(count) {
          for (let row = 0; row < count; row++) await run(1);
          const row = logits(1);
          return Float32Array.from({ length: count * row.length }, (_, i) => row[i % row.length]!);
        },
      },
    }),
  };
  const clock = () => {
    now += 2e-5; // Reading a clock takes about 20 ns.
    return Math.floor(now / grainMs) * grainMs;
  };
  return { probe, clock, forwards: () => forwards };
}

/** The largest n whose costs up to it keep within the threshold. */
export function trueBoundary(cost: CostFunction, threshold: number): number {
  let n = 1;
  while (n < 64 && cost(n + 1) <= threshold) n++;
  return n;
}

/** How long the next forward takes, of so much work. */
type Slowdown = (work: number) => number;

/** Goes through the recorded forwards, from anywhere on, as fast as work is done: each was one unit of it. */
function createReplay(recorded: readonly number[], random: Random): Slowdown {
  let at = random() * recorded.length;
  return (work) => {
    let ms = 0;
    for (let left = work; left > 1e-9; ) {
      const done = Math.min(left, Math.floor(at) + 1 - at);
      ms += done * Math.exp(recorded[Math.floor(at) % recorded.length]!);
      at += done;
      left -= done;
    }
    return ms;
  };
}

function createSlowdown(noise: NoiseModel, random: Random): Slowdown {
  const disturb = createDisturbance(noise, random);
  return (work) => work * Math.exp(disturb());
}

/** The log of what the machine multiplies the next forward by. */
function createDisturbance(noise: NoiseModel, random: Random): () => number {
  let level = 0;
  let burst = 0;
  return () => {
    level += noise.trend + noise.walk * gaussian(random);
    if (burst === 0 && random() < noise.burstRate) burst = 0.25 + 0.55 * random();
    else if (burst > 0 && random() < noise.burstEndRate) burst = 0;
    const spike = random() < noise.spikeRate ? 0.1 + (noise.spikeSize - 0.1) * random() : 0;
    return level + burst * (1 + 0.1 * gaussian(random)) + spike + noise.jitter * gaussian(random);
  };
}

/** Box-Muller. */
function gaussian(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
