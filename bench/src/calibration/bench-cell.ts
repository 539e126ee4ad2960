import { createRandom, median, shuffled } from "@nearfree/calibrate";
import type { Cell, Clock, Level } from "@nearfree/core";
import type { Probe } from "@nearfree/core/measure";
import { ARMS, type ArmName, createArms, type Found } from "./arms.ts";
import { LIKELY_EDGES } from "./plain-rivals.ts";
import { Reference, type ReferencePoint } from "./reference.ts";
import { BAND, decidingPositions, isRight, isSameStair, isUnsafe, mode } from "./score.ts";

/** Pairs of each n of the reference; those clear of the threshold by so many standard errors may end with fewer. */
const REFERENCE_PAIRS = 200;
const CLEAR_PAIRS = 24;
const CLEAR_ERRORS = 4;
/** Pairs below which a point near the threshold judges nothing. */
const LEAST_PAIRS = 60;
/** Pairs of each n between two rounds, and in one go of the reference after them. */
const SLICE_PAIRS = 10;
/** Largest standard error (log) of a point near the threshold that a judgement within 2% may rest on. */
const JUDGING_ERROR = 0.01;
/** Share of a cell's time that the rounds may take; the reference has the rest, and may overrun it by this factor. */
const ROUNDS_SHARE = 0.6;
const OVERRUN = 2;

export interface CellOptions {
  readonly cell: Cell;
  readonly clock: Clock;
  readonly epsilon: number;
  /** Most rounds: repeats of every arm. At least one is done. */
  readonly rounds: number;
  /** Ms that the cell should take. */
  readonly budgetMs: number;
  readonly seed: number;
}

/** How one arm did on one cell. */
export interface ArmReport {
  /** One boundary for each round. */
  readonly boundaries: readonly number[];
  readonly right: number;
  readonly unsafe: number;
  readonly meanForwards: number;
  readonly maxForwards: number;
}

export interface CellReport {
  readonly baseMs: number;
  readonly rounds: number;
  readonly modalBoundary: number;
  readonly levels: readonly Level[];
  /** Share of calibrations with the modal boundary, and with it or another of the same cost (2%). */
  readonly sameBoundary: number;
  readonly sameStair: number;
  readonly calibrationSeconds: number;
  readonly arms: Readonly<Record<ArmName, ArmReport>>;
  readonly reference: readonly ReferencePoint[];
  /** Whether the reference is sure enough, on either side of every boundary, to judge the arms. */
  readonly judged: boolean;
  readonly seconds: number;
}

/** Runs every arm and a slice of the reference in shuffled rounds, then judges the arms by the whole reference. */
export async function benchCell(probe: Probe, options: CellOptions): Promise<CellReport> {
  const { clock, epsilon, budgetMs } = options;
  const random = createRandom(options.seed);
  const maxPositions = Math.min(64, probe.maxPositions);
  const arms = createArms(probe, { ...options, maxPositions });
  const { found, notes } = arms;
  const reference = new Reference(probe, clock, random);
  const everyBoundary = () => new Set(ARMS.flatMap((arm) => found[arm].map((one) => one.boundary)));
  const deciding = () => decidingPositions(everyBoundary(), LIKELY_EDGES, maxPositions);
  await probe.prepare(1); // Reading the context in is nobody's time.
  const began = clock();
  const since = (start: number) => clock() - start;
  let round = 0;
  do {
    for (const turn of shuffled([...ARMS, "reference"] as const, random)) {
      if (turn === "reference") await reference.slice(deciding(), SLICE_PAIRS);
      else await arms.run(turn, round);
    }
    round++;
  } while (round < options.rounds && (since(began) * (round + 1)) / round < ROUNDS_SHARE * budgetMs);
  const resumed = clock();
  const spare = Math.max(budgetMs - since(began), (1 - ROUNDS_SHARE) * budgetMs);
  await completeReference(reference, deciding(), epsilon, (factor) => since(resumed) < factor * spare);

  const ratioOf = (n: number) => reference.point(n)?.ratio;
  const threshold = { epsilon, maxPositions };
  const boundaries = found.nearfree.map((one) => one.boundary);
  const modal = mode(boundaries);
  return {
    baseMs: median(notes.baseMs),
    rounds: round,
    modalBoundary: modal,
    levels: notes.levels,
    sameBoundary: share(boundaries, (boundary) => boundary === modal),
    sameStair: share(boundaries, (boundary) => isSameStair(boundary, modal, ratioOf)),
    calibrationSeconds: median(notes.ms) / 1000,
    arms: judge(found, ratioOf, threshold),
    reference: reference.points,
    judged: canJudge(reference, everyBoundary(), threshold),
    seconds: (clock() - began) / 1000,
  };
}

/** Pairs until every n is clear of the threshold or has all of them; then all of them for every n, while there is time. */
async function completeReference(
  reference: Reference,
  positions: readonly number[],
  epsilon: number,
  within: (factor: number) => boolean,
): Promise<void> {
  const short = () => positions.filter((n) => reference.pairs(n) < REFERENCE_PAIRS);
  const open = () => short().filter((n) => !isClear(reference, n, epsilon));
  for (let left = open(); left.length > 0 && within(OVERRUN); left = open()) await reference.slice(left, SLICE_PAIRS);
  for (let left = short(); left.length > 0 && within(1); left = short()) await reference.slice(left, SLICE_PAIRS);
}

/** Whether n lies outside of the band around the threshold, by several standard errors. */
function isClear(reference: Reference, n: number, epsilon: number): boolean {
  const point = reference.point(n);
  if (point === undefined || point.pairs < CLEAR_PAIRS) return false;
  return Math.abs(Math.log(point.ratio / (1 + epsilon))) - Math.log(BAND) > CLEAR_ERRORS * point.error;
}

/** Whether both sides of every boundary are clear, or known well enough to be placed in the band. */
function canJudge(
  reference: Reference,
  boundaries: Iterable<number>,
  { epsilon, maxPositions }: { readonly epsilon: number; readonly maxPositions: number },
): boolean {
  const sides = [...boundaries].flatMap((boundary) => [boundary, boundary + 1]);
  return sides.every((n) => {
    if (n === 1 || n > maxPositions || isClear(reference, n, epsilon)) return true;
    const point = reference.point(n);
    return point !== undefined && point.pairs >= LEAST_PAIRS && point.error <= JUDGING_ERROR;
  });
}

function judge(
  found: Found,
  ratioOf: (n: number) => number | undefined,
  threshold: { readonly epsilon: number; readonly maxPositions: number },
): Record<ArmName, ArmReport> {
  const reports = ARMS.map((arm): [ArmName, ArmReport] => {
    const boundaries = found[arm].map((one) => one.boundary);
    const forwards = found[arm].map((one) => one.forwards);
    return [
      arm,
      {
        boundaries,
        right: share(boundaries, (boundary) => isRight(boundary, ratioOf, threshold)),
        unsafe: share(boundaries, (boundary) => isUnsafe(boundary, ratioOf, threshold)),
        meanForwards: forwards.reduce((sum, count) => sum + count, 0) / forwards.length,
        maxForwards: Math.max(...forwards),
      },
    ];
  });
  return Object.fromEntries(reports) as Record<ArmName, ArmReport>;
}

function share(values: readonly number[], holds: (value: number) => boolean): number {
  return values.filter(holds).length / values.length;
}
