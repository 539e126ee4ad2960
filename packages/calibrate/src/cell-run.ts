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

  /** A shuffled anchored block `1 a b 1 c d 1`: one sample of each n, log(T(n) / sqrt(T(1 before) * T(1 after))). */
  async measure(positions: readonly number[]): Promise<void> {
    for (const n of positions) await this.#warmUp(n);
    const order = shuffled(positions, this.#random);
    for (let i = 0; i < order.length; i += 2) await this.#measureBetweenAnchors(order.slice(i, i + 2));
  }

  /** Compares the bits of every n in `positions` that this run did not warm: its samples came from an earlier run. */
  async revisit(positions: readonly number[]): Promise<void> {
    for (const n of positions) {
      if (this.#warm.has(n)) continue;
      await this.#meter.time(n);
      this.#record(n);
    }
  }

  async #warmUp(n: number): Promise<void> {
    if (this.#warm.has(n)) return;
    this.#onWarming(n);
    this.#anchorMs = undefined;
    const tolerance = Math.max(SETTLED_TOLERANCE, 2 * this.#samples.noiseScale);
    await warmUp(this.#meter, n, { tolerance, onRun: () => this.#record(n) });
    this.#warm.add(n);
  }

  async #measureBetweenAnchors(positions: readonly number[]): Promise<void> {
    const before = this.#anchorMs ?? (await this.#meter.time(1));
    this.#anchorMs = undefined;
    const times: number[] = [];
    for (const n of positions) times.push(await this.#meter.time(n));
    let after = await this.#meter.time(1);
    // Either the machine slowed down, or something cut into this one forward: then one more forward saves the block.
    if (this.#differ(before, after) && after > before) after = await this.#meter.time(1);
    this.#anchorMs = after;
    this.#samples.anchorsMs.push(after);
    if (this.#differ(before, after)) {
      this.#samples.discards += positions.length;
      return;
    }
    const anchor = Math.sqrt(before * after);
    positions.forEach((n, i) => {
      this.#samples.add(n, [Math.log(times[i]! / anchor)]);
    });
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
