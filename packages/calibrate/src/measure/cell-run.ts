import type { Probe } from "@nearfree/core/measure";
import { recordTogether } from "./compare-rows.ts";
import type { InvarianceRecorder } from "./invariance.ts";
import type { Meter } from "./meter.ts";
import { type Random, shuffled } from "./statistics/random.ts";
import { ANCHOR_GATE, type Samples } from "./statistics/samples.ts";

/** Timings between two anchors of a block. */
const BETWEEN_ANCHORS = 2;
/** The gate follows the noise of a sample where that is larger. */
const ANCHOR_GATE_NOISES = 4;

/** Takes samples of one cell: warms what is new, and runs n between anchors of n = 1, so that slow drift cancels. */
export class CellRun {
  readonly #probe: Probe;
  readonly #meter: Meter;
  readonly #samples: Samples;
  readonly #invariance: InvarianceRecorder;
  readonly #random: Random;
  readonly #onWarming: (positions: number) => void;
  readonly #warm = new Set([1]);

  constructor(parts: {
    probe: Probe;
    meter: Meter;
    samples: Samples;
    invariance: InvarianceRecorder;
    random: Random;
    onWarming: (positions: number) => void;
  }) {
    this.#probe = parts.probe;
    this.#meter = parts.meter;
    this.#samples = parts.samples;
    this.#invariance = parts.invariance;
    this.#random = parts.random;
    this.#onWarming = parts.onWarming;
  }

  /**
   * A shuffled anchored block `1 a b 1 c d 1`: one sample of each n. The last anchor serves the next block too.
   */
  async measure(positions: readonly number[]): Promise<void> {
    for (const n of positions) await this.#warmUp(n);
    if (this.#samples.anchorsMs.length === 0) this.#samples.addAnchor(await this.#meter.time(1));
    const order = shuffled(positions, this.#random);
    for (let i = 0; i < order.length; i += BETWEEN_ANCHORS) {
      for (const n of order.slice(i, i + BETWEEN_ANCHORS)) this.#samples.addTiming(n, await this.#meter.time(n));
      this.#samples.addAnchor(await this.#meter.time(1));
    }
  }

  /**
   * A block whose forwards nothing else is judged by: log(T(n) / sqrt(T(1 before) * T(1 after))) by n, without those between whose
   * anchors the machine changed.
   */
  async measureFresh(positions: readonly number[]): Promise<Map<number, number>> {
    const fresh = new Map<number, number>();
    const order = shuffled(positions, this.#random);
    let before = await this.#meter.time(1);
    for (let i = 0; i < order.length; i += BETWEEN_ANCHORS) {
      const between = order.slice(i, i + BETWEEN_ANCHORS);
      const { after, logRatios } = await this.#between(1, before, between);
      logRatios?.forEach((logRatio, k) => {
        fresh.set(between[k]!, logRatio);
      });
      before = after;
    }
    return fresh;
  }

  /**
   * `count` direct pairs `base other base other base`: log(T(other) / sqrt(T(base before) * T(base after))), untouched by what n = 1
   * does. Fewer where the machine changes too often in between.
   */
  async pair(base: number, other: number, count: number): Promise<number[]> {
    await this.#warmUp(base);
    await this.#warmUp(other);
    const pairs: number[] = [];
    let before = await this.#meter.time(base);
    for (let tries = 0; tries < 2 * count && pairs.length < count; tries++) {
      const { after, logRatios = [] } = await this.#between(base, before, [other]);
      pairs.push(...logRatios);
      before = after;
    }
    return pairs;
  }

  /** What a new n plans or compiles is done in one forward; what may be left spoils one sample, which the typical value does not see. */
  async #warmUp(n: number): Promise<void> {
    if (this.#warm.has(n)) return;
    this.#onWarming(n);
    const { rows } = this.#probe;
    if (rows === undefined) await this.#meter.time(n);
    else await recordTogether(this.#invariance, rows, this.#meter, n);
    this.#warm.add(n);
  }

  /** Times `positions` and then the anchor; no ratios where the machine changed between the anchors. */
  async #between(
    anchor: number,
    before: number,
    positions: readonly number[],
  ): Promise<{ after: number; logRatios?: number[] }> {
    const times: number[] = [];
    for (const n of positions) times.push(await this.#meter.time(n));
    let after = await this.#meter.time(anchor);
    // Either the machine slowed down, or something cut into this one forward: then one more forward saves the block.
    if (this.#differ(before, after) && after > before) after = await this.#meter.time(anchor);
    if (this.#differ(before, after)) return { after };
    return { after, logRatios: times.map((ms) => Math.log(ms / Math.sqrt(before * after))) };
  }

  #differ(before: number, after: number): boolean {
    const gate = Math.max(ANCHOR_GATE, ANCHOR_GATE_NOISES * this.#samples.noiseScale);
    return Math.abs(Math.log(after / before)) > gate;
  }
}
