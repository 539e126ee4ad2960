import { type Measurement, NearfreeError, type Stop } from "@nearfree/core";
import type { Probe } from "@nearfree/core/measure";
import { CellRun } from "./cell-run.ts";
import { certifyBoundary } from "./certify.ts";
import { clockGrain, fitGroup } from "./clock-grain.ts";
import { compareEverywhere, recordSingly, recordTogether } from "./compare-rows.ts";
import { judge } from "./decide.ts";
import { type Findings, summarise } from "./findings.ts";
import { hintedPositions } from "./hinted-sweep.ts";
import { InvarianceRecorder } from "./invariance.ts";
import { MeasuringStopped, Meter } from "./meter.ts";
import { type CalibrateOptions, invalidOption, resolveOptions, type Settings } from "./options.ts";
import { testAgainstItself } from "./qualify.ts";
import { confirmInversion, INVERSION_PAIRS, inversionCandidates } from "./statistics/inversions.ts";
import { createRandom } from "./statistics/random.ts";
import { Samples } from "./statistics/samples.ts";
import { findStairs, provesStep, STEP_PAIRS, stepPoints, stepsInDoubt } from "./statistics/stairs.ts";
import { median } from "./statistics/stats.ts";
import { BLOCK, nextPositions, thinPoints } from "./sweep.ts";
import { warmUp } from "./warm-up.ts";

/** Shares of the budget after which the other epsilons, and the exact right edges of other stairs, are let go. */
const EXTRA_SHARE = 0.33;
const EDGES_SHARE = 0.33;
/** Share of the budget after which steps in doubt stay so. */
const STEPS_SHARE = 0.5;
/** Share of the budget after which the scheduler's points come first. */
const LATE_SHARE = 0.65;
/** Share of the budget that a cell may take while it is as its neighbours let expect: noise is then left in the levels. */
const HINTED_SHARE = 0.6;
/** Share of the budget that the sweep may see when the boundary is to be certified after it. */
const SWEEP_SHARE = 0.25;
/** Groups of forwards after which a clock that has not moved stands still; steps of it that show T(1) roughly. */
const ROUGH_GROUPS = 16;
const ROUGH_STEPS = 3;
/** How far T(1) may have moved since a measurement that is gone on from. */
const RESUME_TOLERANCE = 0.08;
/** Most inversions that direct pairs are spent on. */
const MAX_INVERSIONS = 2;
/** The same where neighbours have been measured: they knew the inversions first. */
const MAX_HINTED_INVERSIONS = 1;

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
  // Reading a context in may take longer than all forwards: it is no part of the budget.
  if (settings.signal?.aborted !== true) await probe.prepare(1);
  const meter = new Meter(probe, settings.clock, settings.budget, settings.signal);
  const findings: Findings = {
    samples: new Samples(),
    invariance: new InvarianceRecorder(settings.traits),
    inversions: [],
    steps: [],
    certified: settings.certify ? 1 : undefined,
    baseMs: [],
    coldMs: 0,
    smallestRatio: undefined,
  };
  const measured = await measure(probe, meter, settings, findings).catch(stopOf);
  const stop = measured === "aborted" ? measured : await compareRows(probe, meter, settings, findings, measured);
  if (!findings.baseMs.some((ms) => ms > 0)) throw nothingMeasured(stop);
  const measurement = summarise(findings, meter, settings, stop);
  settings.onEvent({ type: "done", cell: settings.cell, measurement });
  return measurement;
}

/** Fills `findings` as it goes, so that what a stop leaves behind is all there. */
async function measure(probe: Probe, meter: Meter, settings: Settings, findings: Findings): Promise<Stop> {
  const { samples, invariance } = findings;
  if (!(await prepareClock(probe, meter, settings, findings))) return "unresolvable";
  const qualified = await qualify(meter, settings, findings);
  const earlier = settings.resume && goesOnFrom(settings.resume, median(findings.baseMs)) ? settings.resume.points : [];
  for (const { positions, logRatios = [] } of earlier) samples.resume(positions, logRatios);
  const run = new CellRun({
    probe,
    meter,
    samples,
    invariance,
    random: createRandom(settings.seed),
    onWarming: (positions) => settings.onEvent({ type: "warming", cell: settings.cell, positions }),
  });
  if (!qualified) {
    await surveyRoughly(run, meter, settings, samples).catch((error: unknown) => {
      if (!(error instanceof MeasuringStopped && error.stop !== "aborted")) throw error;
    });
    return "unresolvable";
  }
  await sweep(run, meter, settings, samples);
  await confirmInversions(run, findings, settings.hint === undefined ? MAX_INVERSIONS : MAX_HINTED_INVERSIONS);
  // Neighbours knew the steps, or had none: their budget is not spent again.
  if (settings.hint === undefined) await confirmSteps(run, meter, findings);
  if (settings.certify) await certifyBoundary(run, settings, findings);
  return "decided";
}

/** Whether the samples of an earlier measurement are of the machine as it is now: its ratios mix with those of another state badly. */
function goesOnFrom({ baseMs, run }: Measurement, nowMs: number): boolean {
  const same = Math.abs(Math.log(nowMs / baseMs)) <= Math.log1p(RESUME_TOLERANCE);
  return same && run.stop !== "unresolvable" && run.busy !== true;
}

/** Compares the rows of every n that a scheduler may choose, however measuring ended. */
async function compareRows(
  probe: Probe,
  meter: Meter,
  settings: Settings,
  { samples, invariance }: Findings,
  measured: Stop,
): Promise<Stop> {
  if (probe.rows === undefined) return measured;
  const { hint, maxPositions } = settings;
  const positions = [...new Set([...samples.measured, ...(hint?.compared ?? [])])].filter((n) => n <= maxPositions);
  const singles = { most: probe.maxPositions, hinted: hint !== undefined };
  const stop = await compareEverywhere(invariance, probe.rows, meter, positions, singles).catch(stopOf);
  return stop === "aborted" ? stop : measured;
}

function stopOf(error: unknown): Stop {
  if (error instanceof MeasuringStopped) return error.stop;
  throw error;
}

/** Samples until every question is answered. */
async function sweep(run: CellRun, meter: Meter, settings: Settings, samples: Samples): Promise<void> {
  for (;;) {
    const spent = meter.spent / (settings.certify ? SWEEP_SHARE : 1);
    const goals = { ...settings, late: spent > LATE_SHARE, extra: spent < EXTRA_SHARE, edges: spent < EDGES_SHARE };
    const hinted = settings.hint && hintedPositions(samples, settings.hint, settings);
    if (hinted !== undefined && spent > HINTED_SHARE) return;
    const positions = (hinted ?? nextPositions(samples, goals)).slice(0, BLOCK);
    if (positions.length === 0) return;
    await run.measure(positions);
    for (const n of positions) reportSample(n, meter, settings, samples);
  }
}

/** No boundary can be told here, yet a scheduler does better with a curve of wide intervals than with none. */
async function surveyRoughly(run: CellRun, meter: Meter, settings: Settings, samples: Samples): Promise<void> {
  for (;;) {
    const positions = thinPoints(samples, settings.maxPositions).slice(0, BLOCK);
    if (positions.length === 0) return;
    await run.measure(positions);
    for (const n of positions) reportSample(n, meter, settings, samples);
  }
}

/** Measures every forward that seems dearer than a wider one directly against it. */
async function confirmInversions(run: CellRun, { samples, inversions }: Findings, most: number): Promise<void> {
  for (const candidate of inversionCandidates(stepPoints(samples)).slice(0, most)) {
    const logRatios = await run.pair(candidate.positions, candidate.cheaper, INVERSION_PAIRS);
    const inversion = confirmInversion(candidate, logRatios, samples.noiseScale);
    if (inversion !== undefined) inversions.push(inversion);
  }
}

/** Measures the two sides of every step in doubt directly against each other, highest first, while the budget allows. */
async function confirmSteps(run: CellRun, meter: Meter, { samples, steps }: Findings): Promise<void> {
  for (const step of stepsInDoubt(findStairs(stepPoints(samples)))) {
    if (meter.spent > STEPS_SHARE) return;
    if (provesStep(await run.pair(step.below, step.above, STEP_PAIRS), samples.noiseScale)) steps.push(step);
  }
}

/** Warms n = 1 and groups forwards as the clock needs. False: the model is too fast for the clock. */
async function prepareClock(probe: Probe, meter: Meter, settings: Settings, findings: Findings): Promise<boolean> {
  const { cell, clock, epsilon, onEvent } = settings;
  onEvent({ type: "warming", cell, positions: 1 });
  const grainMs = clockGrain(clock);
  const warm: number[] = [];
  const onRun = (ms: number) => {
    if (warm.length === 0) findings.coldMs = Math.max(0, ms);
    warm.push(ms);
    findings.baseMs = [Math.min(...warm)];
  };
  await warmUp(meter, 1, onRun);
  if (probe.rows !== undefined) {
    await recordTogether(findings.invariance, probe.rows, meter, 1);
    const hinted = settings.hint !== undefined;
    await recordSingly(findings.invariance, probe.rows, meter, { most: probe.maxPositions, hinted });
  }
  if (await fitGroup(meter, grainMs, warm, epsilon)) return true;
  findings.baseMs = [await roughBaseMs(meter, grainMs)];
  return false;
}

/**
 * T(1) on a clock that is too coarse for a ratio: of as many forwards as it takes a few steps for, or at most what the clock could have
 * missed of them.
 *
 * @throws NearfreeError `invalid-argument` for a clock that stands still or goes back.
 */
async function roughBaseMs(meter: Meter, grainMs = Number.POSITIVE_INFINITY): Promise<number> {
  let ms = 0;
  let groups = 0;
  while (groups < ROUGH_GROUPS && !(ms * meter.group > ROUGH_STEPS * grainMs)) {
    ms += await meter.time(1);
    groups++;
  }
  if (ms > 0) return ms / groups;
  if (Number.isFinite(grainMs)) return grainMs / (groups * meter.group);
  throw invalidOption("clock", "one that moves on while forwards run", "one that stands still or goes back");
}

/** Tests n = 1 against itself. False: nothing can be told apart here. */
async function qualify(meter: Meter, settings: Settings, findings: Findings): Promise<boolean> {
  const { cell, epsilon, onEvent } = settings;
  const { baseMs, nullSamples, smallestRatio, resolvable } = await testAgainstItself(meter, epsilon);
  findings.baseMs = baseMs;
  findings.smallestRatio = smallestRatio;
  findings.samples.addNull(nullSamples);
  for (const ms of baseMs) findings.samples.addAnchor(ms);
  if (!resolvable) return false;
  onEvent({ type: "qualified", cell, baseMs: median(baseMs), smallestRatio, forwardsPerSample: meter.group });
  return true;
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
    forwardLimit: meter.forwardLimit,
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
