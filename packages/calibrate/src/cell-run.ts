import type { Probe } from "@nearfree/core";
import type { InvarianceRecorder } from "./invariance.ts";
import type { Meter } from "./meter.ts";
import { ANCHOR_GATE } from "./qualify.ts";
import { type Random, shuffled } from "./random.ts";
import type { Samples } from "./samples.ts";
import { SETTLED_TOLERANCE, warmUp } from "./warm-up.ts";

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
  /** The last forward, where it was one of n = 1: it opens the next pair too. */
  #anchorMs: number | undefined;

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
   * A shuffled anchored block `1 a b 1 c d 1`: one sample of each n, log(T(n) / sqrt(T(1 before) * T(1 after))). With
   * `freshAnchor` the block shares no forward with the one before it. With `warmOnce` a single forward warms a new n: what it
   * plans or compiles is done then, and what may remain makes n look dearer, never cheaper.
   */
  async measure(positions: readonly number[], { freshAnchor = false, warmOnce = false } = {}): Promise<void> {
    for (const n of positions) await this.#warmUp(n, warmOnce);
    if (freshAnchor) this.#anchorMs = undefined;
    const order = shuffled(positions, this.#random);
    for (let i = 0; i < order.length; i += 2) await this.#measureBetweenAnchors(order.slice(i, i + 2));
  }

  /** The next block starts with an anchor of its own. */
  forgetAnchor(): void {
    this.#anchorMs = undefined;
  }

  /** Compares the bits of every n in `positions` that this run did not run: they were measured earlier, or in another cell. */
  async revisit(positions: readonly number[]): Promise<void> {
    if (this.#probe.columns === undefined) return;
    for (const n of positions) {
      if (this.#warm.has(n)) continue;
      await this.#meter.time(n);
      this.#record(n);
    }
  }

  async #warmUp(n: number, once = false): Promise<void> {
    if (this.#warm.has(n)) return;
    this.#onWarming(n);
    this.#anchorMs = undefined;
    const tolerance = Math.max(SETTLED_TOLERANCE, 2 * this.#samples.noiseScale);
    if (once) {
      await this.#meter.time(n);
      this.#record(n);
    } else {
      await warmUp(this.#meter, n, { tolerance, onRun: () => this.#record(n) });
    }
    this.#warm.add(n);
  }

  /**
   * `count` direct pairs `base other base other base`: log(T(other) / sqrt(T(base before) * T(base after))), untouched by what
   * n = 1 does. Fewer where the machine changes too often between the anchors.
   */
  async pair(base: number, other: number, count: number): Promise<number[]> {
    await this.#warmUp(base);
    await this.#warmUp(other);
    this.#anchorMs = undefined;
    const logRatios: number[] = [];
    let before = await this.#meter.time(base);
    for (let tries = 0; tries < 2 * count && logRatios.length < count; tries++) {
      const { anchorMs, times, after } = await this.#between(base, before, [other]);
      before = after;
      if (anchorMs === undefined) this.#samples.discards++;
      else logRatios.push(Math.log(times[0]! / anchorMs));
    }
    return logRatios;
  }

  async #measureBetweenAnchors(positions: readonly number[]): Promise<void> {
    const before = this.#anchorMs ?? (await this.#meter.time(1));
    this.#anchorMs = undefined;
    const { anchorMs, times, after } = await this.#between(1, before, positions);
    this.#anchorMs = after;
    this.#samples.anchorsMs.push(after);
    if (anchorMs === undefined) {
      this.#samples.discards += positions.length;
      return;
    }
    positions.forEach((n, i) => {
      this.#samples.add(n, [Math.log(times[i]! / anchorMs)]);
    });
  }

  /** Times `positions` and then the anchor; `anchorMs` is undefined where the machine changed between the anchors. */
  async #between(
    anchor: number,
    before: number,
    positions: readonly number[],
  ): Promise<{ anchorMs: number | undefined; times: number[]; after: number }> {
    const times: number[] = [];
    for (const n of positions) times.push(await this.#meter.time(n));
    let after = await this.#meter.time(anchor);
    // Either the machine slowed down, or something cut into this one forward: then one more forward saves the block.
    if (this.#differ(before, after) && after > before) after = await this.#meter.time(anchor);
    return { times, after, anchorMs: this.#differ(before, after) ? undefined : Math.sqrt(before * after) };
  }

  #differ(before: number, after: number): boolean {
    const gate = Math.max(ANCHOR_GATE, ANCHOR_GATE_NOISES * this.#samples.noiseScale);
    return Math.abs(Math.log(after / before)) > gate;
  }

  #record(n: number): void {
    const { logits, columns } = this.#probe;
    if (logits !== undefined && columns !== undefined) this.#invariance.record(n, logits, columns);
  }
}
