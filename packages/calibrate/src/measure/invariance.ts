import type { Invariance } from "@nearfree/core";
import { PlaceRows } from "./place-rows.ts";

/** What is known of a model's rows before one is run: what its graph says. See `RowTraits` of the ONNX adapter. */
export interface RowFacts {
  /** Why rows of one forward depend on each other. */
  readonly dependence?: string | undefined;
  /** Kernels whose rows may differ between row counts by more than fp32 rounding. */
  readonly coarse?: string | undefined;
  /** Those of them that hide most differences. */
  readonly hidden?: string | undefined;
  /** Why a row's rounding depends on the lengths of its forward: no two n have the same bits at every length. */
  readonly unsteady?: string | undefined;
}

/**
 * Logits of a row count that must agree before kernels that round to 16 bits are believed to. A difference of some fp32 bits moves
 * one of 2^13 such values, so that 2^17 of them show it.
 */
const HIDDEN_VALUES = 2 ** 17;

/** Difference, as a share of the largest logit, beyond which a flip is no rounding: of fp32 kernels, and of others or unknown ones. */
const FINE_SHARE = 0.01;
const COARSE_SHARE = 0.1;
/** Share of the rows that must flip where kernels are coarse: theirs flip one in a hundred. */
const COARSE_FLIPS = 0.1;

/**
 * Sorts n into classes within which a row's logits are the same bits, from the logits of forwards of the same tokens at several places
 * of a text. Row j of a forward of n positions does not depend on n in exact arithmetic, so any difference is the kernels'. A class is
 * what agreed at every place.
 */
export class InvarianceRecorder {
  readonly #facts: RowFacts | undefined;
  readonly #places: (PlaceRows | undefined)[] = [];
  #columns = 0;

  constructor(facts?: RowFacts) {
    this.#facts = facts;
  }

  /** Takes the logits of one forward of n positions, row-major [rows, columns]; n = 1 first, and of several rows in a row. */
  record(n: number, logits: Float32Array, columns: number, place = 0): void {
    this.#columns = columns;
    const rows = this.#places[place] ?? new PlaceRows(columns);
    this.#places[place] = rows;
    rows.record(n, logits);
  }

  /** Forgets what was recorded at a place. */
  forget(place: number): void {
    delete this.#places[place];
  }

  has(n: number, place = 0): boolean {
    return this.#places[place]?.classOf(n) !== undefined;
  }

  /** Whether n already differs somewhere from every other n. */
  isAlone(n: number): boolean {
    if (this.#facts?.unsteady !== undefined) return true;
    return this.#places.some((place) => place?.membersWith(n).length === 1);
  }

  result(): Invariance {
    const places = this.#places.filter((place) => place !== undefined);
    const sum = (count: (place: PlaceRows) => number) => places.reduce((all, place) => all + count(place), 0);
    const most = (value: (place: PlaceRows) => number) => places.reduce((top, place) => Math.max(top, value(place)), 0);
    const found = {
      maxDifference: most((place) => place.maxDifference),
      rows: sum((place) => place.rows),
      argmaxFlips: sum((place) => place.flips),
    };
    const dependent =
      this.#facts?.dependence ??
      this.#broken(
        found,
        most((place) => place.largest),
      );
    const coarse = this.#facts?.coarse;
    const positions = [...new Set(places.flatMap((place) => place.positions))].sort((a, b) => a - b);
    const together = dependent === undefined && this.#facts?.unsteady === undefined;
    return {
      classes: together ? this.#classes(places, positions) : positions.map((n) => [n]),
      ...found,
      ...(dependent !== undefined && { dependent }),
      ...(coarse !== undefined && { coarse }),
    };
  }

  /** Whether the rows of n that were recorded so far could agree with others by rounding alone. */
  provesLittle(n: number): boolean {
    if (this.#facts?.hidden === undefined || this.#facts.unsteady !== undefined) return false;
    const rows = this.#places.reduce((all, place) => all + (place?.rowsOf(n) ?? 0), 0);
    return rows * this.#columns < HIDDEN_VALUES;
  }

  #classes(places: readonly PlaceRows[], positions: readonly number[]): number[][] {
    const classes = new Map<string, number[]>();
    for (const n of positions) {
      const labels = places.map((place) => place.classOf(n));
      const alone = labels.includes(undefined) || this.provesLittle(n);
      const key = alone ? `alone ${n}` : labels.join();
      classes.set(key, [...(classes.get(key) ?? []), n]);
    }
    return [...classes.values()].sort(([a = 0], [b = 0]) => a - b);
  }

  /** In words, where rows differ from single ones by far more than rounding, and change the text. */
  #broken({ maxDifference, rows, argmaxFlips }: Omit<Invariance, "classes">, largest: number): string | undefined {
    const fine = this.#facts !== undefined && this.#facts.coarse === undefined;
    const far = maxDifference > largest * (fine ? FINE_SHARE : COARSE_SHARE);
    const often = argmaxFlips > (fine ? 0 : rows * COARSE_FLIPS);
    if (!(far && often)) return undefined;
    return (
      `rows of several positions differ from single ones by ${maxDifference.toPrecision(2)} at most, with ${argmaxFlips} argmax flips ` +
      `in ${rows} rows: a mask that is wrong for several tokens on a cache, or rows that depend on each other`
    );
  }
}
