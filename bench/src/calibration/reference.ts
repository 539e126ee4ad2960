import { median, shuffled } from "@nearfree/calibrate";
import type { Clock } from "@nearfree/core";
import type { Probe } from "@nearfree/core/measure";

/** Untimed forwards of a new n before its first pair. */
const WARM_FORWARDS = 3;
/** Standard deviation of a normal distribution over its median absolute deviation, and of its median over that of its mean. */
const MAD_TO_SIGMA = 1.4826;
const MEDIAN_EFFICIENCY = 1.2533;

/** r(n) by brute force. */
export interface ReferencePoint {
  readonly positions: number;
  readonly ratio: number;
  /** Robust standard error of log(ratio). */
  readonly error: number;
  readonly pairs: number;
}

/**
 * What the arms are judged by: the median of anchored pairs, log(T(n) / sqrt(T(1 before) * T(1 after))), taken a slice at a
 * time between the arms, since the curve itself moves between minutes. Nothing is discarded.
 */
export class Reference {
  readonly #probe: Probe;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #logRatios = new Map<number, number[]>();

  constructor(probe: Probe, clock: Clock, random: () => number) {
    this.#probe = probe;
    this.#clock = clock;
    this.#random = random;
  }

  pairs(n: number): number {
    return this.#logRatios.get(n)?.length ?? 0;
  }

  /** Undefined where n has no pair; n = 1 is 1 by definition. */
  point(n: number): ReferencePoint | undefined {
    if (n === 1) return { positions: 1, ratio: 1, error: 0, pairs: 0 };
    const logRatios = this.#logRatios.get(n);
    if (logRatios === undefined) return undefined;
    const centre = median(logRatios);
    const mad = median(logRatios.map((value) => Math.abs(value - centre)));
    const error = (MEDIAN_EFFICIENCY * MAD_TO_SIGMA * mad) / Math.sqrt(logRatios.length);
    return { positions: n, ratio: Math.exp(centre), error, pairs: logRatios.length };
  }

  /** Every n with pairs, ascending. */
  get points(): ReferencePoint[] {
    return [...this.#logRatios.keys()].sort((a, b) => a - b).map((n) => this.point(n)!);
  }

  /** `pairs` more pairs of each n, `1 n 1 m 1 ...` in random order. */
  async slice(positions: readonly number[], pairs: number): Promise<void> {
    if (positions.length === 0) return;
    for (const n of positions) {
      if (this.#logRatios.has(n)) continue;
      this.#logRatios.set(n, []);
      for (let i = 0; i < WARM_FORWARDS; i++) await this.#time(n);
    }
    const order = shuffled(Array.from({ length: pairs }, () => positions).flat(), this.#random);
    await this.#time(1);
    let before = await this.#time(1);
    for (const n of order) {
      const ms = await this.#time(n);
      const after = await this.#time(1);
      this.#logRatios.get(n)!.push(Math.log(ms / Math.sqrt(before * after)));
      before = after;
    }
  }

  async #time(n: number): Promise<number> {
    await this.#probe.prepare(n);
    const began = this.#clock();
    await this.#probe.run(n);
    return this.#clock() - began;
  }
}
