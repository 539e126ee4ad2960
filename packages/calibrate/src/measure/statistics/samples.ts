import { type Estimate, estimate, pooledScale, typical } from "./stats.ts";

/** Anchors on either side that a timing is compared with: the nearest alone would bring their own noise in. */
export const ANCHORS_A_SIDE = 4;
/** The machine changed where the anchors of both sides differ (log) by more, or by so many times what anchors differ by anyway. */
export const ANCHOR_GATE = 0.1;
const GATE_NOISES = 4;

/** One timed forward of several positions, and how many anchors came before it. */
interface Timing {
  readonly positions: number;
  readonly log: number;
  readonly anchor: number;
}

/**
 * Every sample of a cell: log T(n)/T(1) by n, and the noise they share. T(1) is the typical one of the nearest anchors (forwards of
 * one position), four on either side: slow drift cancels, and disturbed anchors do not count. Where the two sides disagree the machine
 * changed in between, and the timing is discarded.
 */
export class Samples {
  /** Ms of the forwards of one position that anchor samples, in order. */
  readonly anchorsMs: number[] = [];
  readonly #timings: Timing[] = [];
  readonly #anchors: number[] = []; // log ms
  /** Log-ratios that are final: of an earlier run. */
  readonly #resumed = new Map<number, readonly number[]>();
  readonly #null: number[] = [];
  #derived:
    | { readonly byPositions: Map<number, number[]>; readonly noise: number; readonly discards: number }
    | undefined;

  /** Log-ratios of n = 1 against itself: they show the noise before anything else is measured. */
  addNull(logRatios: readonly number[]): void {
    this.#null.push(...logRatios);
    this.#derived = undefined;
  }

  /** Samples of an earlier run of the same cell. */
  resume(positions: number, logRatios: readonly number[]): void {
    if (logRatios.length === 0) return;
    this.#resumed.set(positions, [...(this.#resumed.get(positions) ?? []), ...logRatios]);
    this.#derived = undefined;
  }

  /** A forward of one position took `ms`. */
  addAnchor(ms: number): void {
    this.anchorsMs.push(ms);
    this.#anchors.push(Math.log(ms));
    this.#derived = undefined;
  }

  /** A forward of `positions` took `ms`. It counts from the next anchor on. */
  addTiming(positions: number, ms: number): void {
    this.#timings.push({ positions, log: Math.log(ms), anchor: this.#anchors.length });
    this.#derived = undefined;
  }

  of(positions: number): readonly number[] {
    return this.#derive().byPositions.get(positions) ?? [];
  }

  count(positions: number): number {
    return this.of(positions).length;
  }

  /** Every n > 1 with a sample, ascending. */
  get measured(): number[] {
    return [...this.#derive().byPositions.keys()].sort((a, b) => a - b);
  }

  get discards(): number {
    return this.#derive().discards;
  }

  /** Robust standard deviation of one sample, pooled over every n. NaN before anything shows it. */
  get noiseScale(): number {
    return this.#derive().noise;
  }

  estimate(positions: number): Estimate {
    return estimate(this.of(positions), this.noiseScale);
  }

  #derive() {
    if (this.#derived !== undefined) return this.#derived;
    const byPositions = new Map([...this.#resumed].map(([positions, ratios]) => [positions, [...ratios]]));
    const gate = Math.max(ANCHOR_GATE, GATE_NOISES * anchorNoise(this.#anchors));
    let discards = 0;
    for (const { positions, log, anchor } of this.#timings) {
      const before = this.#anchors.slice(Math.max(0, anchor - ANCHORS_A_SIDE), anchor);
      const after = this.#anchors.slice(anchor, anchor + ANCHORS_A_SIDE);
      if (before.length === 0 || after.length === 0) continue;
      if (Math.abs(typical(before) - typical(after)) > gate) {
        discards++;
        continue;
      }
      const ratios = byPositions.get(positions) ?? [];
      ratios.push(log - typical([...before, ...after]));
      byPositions.set(positions, ratios);
    }
    this.#derived = { byPositions, discards, noise: pooledScale([this.#null, ...byPositions.values()]) };
    return this.#derived;
  }
}

/** Robust standard deviation of one anchor, from what each differs from the next by; 0 of fewer than two. */
function anchorNoise(anchors: readonly number[]): number {
  if (anchors.length < 2) return 0;
  const steps = anchors.slice(1).map((log, i) => log - anchors[i]!);
  return pooledScale([steps]) / Math.SQRT2;
}
