import { type Estimate, estimate, pooledScale } from "./stats.ts";

/** Every sample of a cell: log T(n)/T(1) by n, the noise they share, and the anchors they were taken against. */
export class Samples {
  /** Ms of the forwards of one position that anchored samples, in order. */
  readonly anchorsMs: number[] = [];
  discards = 0;
  readonly #byPositions = new Map<number, number[]>();
  readonly #null: number[] = [];
  #noise: number | undefined;

  /** Log-ratios of n = 1 against itself: they show the noise before anything else is measured. */
  addNull(logRatios: readonly number[]): void {
    this.#null.push(...logRatios);
    this.#noise = undefined;
  }

  /** Forgets every sample: those to come are taken another way. */
  clear(): void {
    for (const logRatios of this.#byPositions.values()) this.discards += logRatios.length;
    this.#byPositions.clear();
    this.#null.length = 0;
    this.anchorsMs.length = 0;
    this.#noise = undefined;
  }

  add(positions: number, logRatios: readonly number[]): void {
    if (logRatios.length === 0) return;
    this.#byPositions.set(positions, [...this.of(positions), ...logRatios]);
    this.#noise = undefined;
  }

  of(positions: number): readonly number[] {
    return this.#byPositions.get(positions) ?? [];
  }

  count(positions: number): number {
    return this.of(positions).length;
  }

  /** Samples of every n together. */
  get total(): number {
    return [...this.#byPositions.values()].reduce((sum, logRatios) => sum + logRatios.length, 0);
  }

  /** Every n > 1 with a sample, ascending. */
  get measured(): number[] {
    return [...this.#byPositions.keys()].sort((a, b) => a - b);
  }

  /** Robust standard deviation of one sample, pooled over every n. NaN before anything shows it. */
  get noiseScale(): number {
    this.#noise ??= pooledScale([this.#null, ...this.#byPositions.values()]);
    return this.#noise;
  }

  estimate(positions: number): Estimate {
    return estimate(this.of(positions), this.noiseScale);
  }
}
