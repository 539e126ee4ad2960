import {
  type CalibrationEvent,
  type Cell,
  type Clock,
  DEFAULT_EPSILON,
  EPSILONS,
  type Measurement,
  NearfreeError,
  type Probe,
  type Stop,
} from "@nearfree/core";
import { CellRun } from "./cell-run.ts";
import { judge } from "./decide.ts";
import { type Findings, summarise } from "./findings.ts";
import { InvarianceRecorder } from "./invariance.ts";
import { type Budget, MeasuringStopped, Meter } from "./meter.ts";
import { clockGrain, forwardsPerSample, MAX_GROUP, testAgainstItself } from "./qualify.ts";
import { createRandom } from "./random.ts";
import { Samples } from "./samples.ts";
import { nextPositions } from "./sweep.ts";
import { warmUp } from "./warm-up.ts";

/** Version of the measurement method, part of a profile's key: bumped when figures stop being comparable. */
export const METHOD_VERSION = 1;

export const DEFAULT_MAX_POSITIONS = 64;
/** Most timed forwards of one cell, and most ms. */
export const DEFAULT_FORWARDS = 240;
export const DEFAULT_BUDGET_MS = 20_000;
/** Share of the forwards after which only the boundary of the main epsilon and the scheduler's points are pursued. */
const SOFT_SHARE = 0.6;

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
  /** Seed of the shuffles. Default 1. */
  readonly seed?: number;
  /** An earlier measurement of the same cell, perhaps cut short: its samples count. */
  readonly resume?: Measurement;
  /** Ends the measurement; see `calibrate`. */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: CalibrationEvent) => void;
}

/**
 * Measures one cell: how the cost of a forward grows with its positions, up to where the boundary of `epsilon` and the needs
 * of a scheduler are answered or the budget is spent.
 *
 * The result is the best known when measuring stopped, its doubts in the levels and the cause in `run.stop`. That holds for an
 * abort too: what was measured is returned (and can be passed as `resume`) unless nothing was.
 *
 * @throws NearfreeError `invalid-argument` for an option out of range; `aborted` when the signal fires before the first forward
 *   is done. What the probe throws passes through.
 */
export async function calibrate(probe: Probe, options: CalibrateOptions): Promise<Measurement> {
  const settings = resolveOptions(probe, options);
  const meter = new Meter(probe, settings.clock, settings.budget, settings.signal);
  const findings: Findings = {
    samples: new Samples(),
    invariance: new InvarianceRecorder(),
    baseMs: [],
    coldMs: 0,
    smallestRatio: undefined,
  };
  const stop = await measure(probe, meter, settings, findings).catch((error: unknown) => {
    if (error instanceof MeasuringStopped) return error.stop;
    throw error;
  });
  if (!findings.baseMs.some((ms) => ms > 0)) throw nothingMeasured(stop);
  const measurement = summarise(findings, meter, settings, stop);
  settings.onEvent({ type: "done", cell: settings.cell, measurement });
  return measurement;
}

/** Fills `findings` as it goes, so that what a stop leaves behind is all there. */
async function measure(probe: Probe, meter: Meter, settings: Settings, findings: Findings): Promise<Stop> {
  const { samples, invariance } = findings;
  const qualified = await qualify(probe, meter, settings, findings);
  for (const { positions, logRatios = [] } of settings.resume?.points ?? []) samples.add(positions, logRatios);
  if (!qualified) return "unresolvable";
  const run = new CellRun({
    probe,
    meter,
    samples,
    invariance,
    random: createRandom(settings.seed),
    onWarming: (positions) => settings.onEvent({ type: "warming", cell: settings.cell, positions }),
  });
  for (;;) {
    const extra = meter.timings < settings.softForwards && meter.elapsedMs < settings.budget.ms / 2;
    const positions = nextPositions(samples, { ...settings, extra });
    if (positions.length === 0) break;
    await run.measure(positions);
    for (const n of positions) reportSample(n, meter, settings, samples);
  }
  await run.revisit(samples.measured);
  return "decided";
}

/** Warms n = 1, groups forwards as the clock needs and tests n = 1 against itself. False: nothing can be told apart here. */
async function qualify(probe: Probe, meter: Meter, settings: Settings, findings: Findings): Promise<boolean> {
  const { cell, clock, epsilon, onEvent } = settings;
  onEvent({ type: "warming", cell, positions: 1 });
  const grainMs = clockGrain(clock);
  const warm: number[] = [];
  const onRun = (ms: number) => {
    if (warm.length === 0) findings.coldMs = ms;
    warm.push(ms);
    findings.baseMs = [Math.min(...warm)];
    if (probe.logits !== undefined && probe.columns !== undefined) {
      findings.invariance.record(1, probe.logits, probe.columns);
    }
  };
  await warmUp(meter, 1, { onRun });
  const group = forwardsPerSample(grainMs, Math.min(...warm), epsilon);
  meter.group = group ?? MAX_GROUP;
  if (group === undefined) {
    findings.baseMs = [await meter.time(1)];
    if (findings.baseMs[0] === 0) throw invalid("clock", "one that moves while forwards run", "one that stands still");
    return false;
  }
  const { baseMs, nullSamples, smallestRatio, resolvable } = await testAgainstItself(meter, epsilon);
  findings.baseMs = baseMs;
  findings.smallestRatio = smallestRatio;
  findings.samples.addNull(nullSamples);
  onEvent({ type: "qualified", cell, baseMs: Math.min(...baseMs), smallestRatio, forwardsPerSample: group });
  return resolvable;
}

function reportSample(positions: number, meter: Meter, settings: Settings, samples: Samples): void {
  const verdict = judge(samples, positions, settings.epsilon);
  if (verdict === undefined) return;
  settings.onEvent({
    type: "sampled",
    cell: settings.cell,
    positions,
    ratio: Math.exp(samples.estimate(positions).centre),
    samples: samples.count(positions),
    level: verdict.level,
    forwards: meter.forwards,
    forwardLimit: settings.budget.forwards * meter.group,
  });
}

/** Options with every default filled in. */
export interface Settings {
  readonly clock: Clock;
  readonly cell: Cell;
  readonly epsilon: number;
  readonly otherEpsilons: readonly number[];
  readonly maxPositions: number;
  readonly budget: Budget;
  readonly softForwards: number;
  readonly seed: number;
  readonly resume: Measurement | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onEvent: (event: CalibrationEvent) => void;
}

function resolveOptions(probe: Probe, options: CalibrateOptions): Settings {
  const { clock, cell, epsilon = DEFAULT_EPSILON, seed = 1, resume, signal, onEvent = () => {} } = options;
  const maxPositions = Math.min(options.maxPositions ?? DEFAULT_MAX_POSITIONS, probe.maxPositions);
  const budget = {
    forwards: options.budget?.forwards ?? DEFAULT_FORWARDS,
    ms: options.budget?.ms ?? DEFAULT_BUDGET_MS,
  };
  if (!(epsilon > 0 && epsilon < 10)) throw invalid("epsilon", "a number in (0, 10)", epsilon);
  if (!(Number.isSafeInteger(maxPositions) && maxPositions >= 1)) {
    throw invalid("maxPositions", "a positive integer", maxPositions);
  }
  if (!(budget.forwards >= 1)) throw invalid("budget.forwards", "at least 1", budget.forwards);
  if (!(budget.ms > 0)) throw invalid("budget.ms", "more than 0", budget.ms);
  const otherEpsilons = EPSILONS.filter((other) => other !== epsilon);
  const softForwards = Math.round(budget.forwards * SOFT_SHARE);
  return { clock, cell, epsilon, otherEpsilons, maxPositions, budget, softForwards, seed, resume, signal, onEvent };
}

function invalid(option: string, expected: string, received: number | string): NearfreeError {
  return new NearfreeError({
    code: "invalid-argument",
    from: "calibrate",
    what: option,
    expected,
    received: String(received),
    remedy: "pass another, or leave it out where there is a default",
  });
}

function nothingMeasured(stop: Stop): NearfreeError {
  return new NearfreeError({
    code: "aborted",
    from: "calibrate",
    what: "calibration",
    expected: "at least one forward",
    received: `a stop before it (${stop})`,
    remedy: "start again",
  });
}
