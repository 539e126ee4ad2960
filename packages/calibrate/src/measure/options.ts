import { type Cell, type Clock, DEFAULT_EPSILON, EPSILONS, type Measurement, NearfreeError } from "@nearfree/core";
import type { CalibrationEvent, Probe } from "@nearfree/core/measure";
import { createHint, type Hint } from "./hint.ts";
import type { RowFacts } from "./invariance.ts";
import type { Budget } from "./meter.ts";

/** Version of the measurement method, part of a profile's key: bumped when figures stop being comparable. */
export const METHOD_VERSION = 4;

export const DEFAULT_MAX_POSITIONS = 64;
/** Most forwards of one cell, and most ms. */
export const DEFAULT_FORWARDS = 240;
export const DEFAULT_BUDGET_MS = 20_000;
/** Most timed forwards of one cell with `certify`. */
export const CERTIFY_FORWARDS = 960;

export interface CalibrateOptions {
  /** Monotonic, in ms. */
  readonly clock: Clock;
  /** What the probe stands for; named in events only. */
  readonly cell: Cell;
  /** The epsilon that the budget is spent on first; the others of `EPSILONS` follow. Default 0.1. */
  readonly epsilon?: number;
  /** Largest n of interest; at most the probe's own. Default 64. */
  readonly maxPositions?: number;
  /** Default 240 timed forwards, 20 s. */
  readonly budget?: { readonly forwards?: number; readonly ms?: number };
  /**
   * Also tests every n up to the boundary of `epsilon` on fresh samples, so that a claim that costs over 2% too much is made with a
   * probability below 0.1%. Costs some 20 forwards for each n; the default budget is 960 forwards then. Default false.
   */
  readonly certify?: boolean;
  /** Seed of the shuffles. Default 1. */
  readonly seed?: number;
  /**
   * An earlier measurement of the same cell that an abort or its budget cut short: its samples count where T(1) is now what it was then.
   * What noise hid (`unresolvable`), or other work disturbed (`run.busy`), is not taken up.
   */
  readonly resume?: Measurement;
  /**
   * Measurements of neighbouring cells of the grid: where to look first, never evidence. Where both sides of the boundary that they
   * let expect hold up in fresh samples, the cell is done with a third of the forwards: the scheduler's curve is sampled only
   * where theirs bends, and other epsilons get what those points tell. Below the boundary one n in each octave is tested again: a
   * narrower rise that no neighbour has would be missed. Ignored with `certify`.
   */
  readonly neighbours?: readonly Measurement[];
  /**
   * What is known of the rows of a forward from the model's graph. Where they depend on each other, only one position is measured;
   * left out, rows are judged by what is compared alone.
   */
  readonly traits?: RowFacts | undefined;
  /** Ends the measurement; see `calibrate`. */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: CalibrationEvent) => void;
}

/** Options with every default filled in. */
export interface Settings {
  readonly clock: Clock;
  readonly cell: Cell;
  readonly epsilon: number;
  readonly otherEpsilons: readonly number[];
  readonly maxPositions: number;
  readonly budget: Budget;
  readonly certify: boolean;
  readonly seed: number;
  readonly resume: Measurement | undefined;
  readonly hint: Hint | undefined;
  readonly traits: RowFacts | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onEvent: (event: CalibrationEvent) => void;
}

/** @throws NearfreeError `invalid-argument` for an option out of range. */
export function resolveOptions(probe: Probe, options: CalibrateOptions): Settings {
  const {
    clock,
    cell,
    epsilon = DEFAULT_EPSILON,
    certify = false,
    seed = 1,
    resume,
    neighbours = [],
    traits,
    signal,
    onEvent = () => {},
  } = options;
  const wanted = Math.min(options.maxPositions ?? DEFAULT_MAX_POSITIONS, probe.maxPositions);
  const maxPositions = traits?.dependence === undefined ? wanted : Math.min(1, wanted);
  const budget = {
    forwards: options.budget?.forwards ?? (certify ? CERTIFY_FORWARDS : DEFAULT_FORWARDS),
    ms: options.budget?.ms ?? DEFAULT_BUDGET_MS,
  };
  if (!(epsilon > 0 && epsilon < 10)) throw invalidOption("epsilon", "a number in (0, 10)", epsilon);
  if (!(Number.isSafeInteger(maxPositions) && maxPositions >= 1)) {
    throw invalidOption("maxPositions", "a positive integer", maxPositions);
  }
  if (!(budget.forwards >= 1)) throw invalidOption("budget.forwards", "at least 1", budget.forwards);
  if (!(budget.ms > 0)) throw invalidOption("budget.ms", "more than 0", budget.ms);
  const otherEpsilons = EPSILONS.filter((other) => other !== epsilon);
  const hint = certify ? undefined : createHint(neighbours, { epsilon, maxPositions });
  return {
    clock,
    cell,
    epsilon,
    otherEpsilons,
    maxPositions,
    budget,
    certify,
    seed,
    resume,
    hint,
    traits,
    signal,
    onEvent,
  };
}

/** The error of an option that cannot be used. */
export function invalidOption(option: string, expected: string, received: number | string): NearfreeError {
  return new NearfreeError({
    code: "invalid-argument",
    from: "calibrate",
    what: option,
    expected,
    received: String(received),
    remedy: "pass another, or leave it out where there is a default",
  });
}
