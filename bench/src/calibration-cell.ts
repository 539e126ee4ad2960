import { calibrate } from "@nearfree/calibrate";
import type { Cell, Clock, Level, Probe } from "@nearfree/core";
import { Reference, type ReferencePoint } from "./calibration-reference.ts";
import { type ArmResult, LIKELY_EDGES, plainBisection, plainSweep } from "./calibration-rivals.ts";
import { BAND, decidingPositions, isRight, isSameStair, isUnsafe, mode } from "./calibration-score.ts";
import { median, seededRandom, shuffled } from "./shuffle.ts";

export const ARMS = ["nearfree", "sweep5", "sweep15", "bisect3"] as const;
export type ArmName = (typeof ARMS)[number];

/** Pairs of each n of the reference; those clear of the threshold by so many standard errors may end with fewer. */
const REFERENCE_PAIRS = 200;
const LEAST_PAIRS = 60;
const CLEAR_ERRORS = 4;
/** Pairs of each n between two rounds, and in one go of the reference after them. */
const SLICE_PAIRS = 10;
/** Share of a cell's time that the rounds may take; the rest is for the reference, which may overrun by the second factor. */
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
  readonly seconds: number;
}

type Found = Record<ArmName, ArmResult[]>;

/** Runs every arm and a slice of the reference in shuffled rounds, then judges the arms by the whole reference. */
export async function benchCell(probe: Probe, options: CellOptions): Promise<CellReport> {
  const { clock, epsilon, budgetMs } = options;
  const random = seededRandom(options.seed);
  const maxPositions = Math.min(64, probe.maxPositions);
  const found: Found = { nearfree: [], sweep5: [], sweep15: [], bisect3: [] };
  const levels: Level[] = [];
  const calibrationMs: number[] = [];
  const baseMs: number[] = [];
  const reference = new Reference(probe, clock, random);
  const deciding = () =>
    decidingPositions(
      new Set(ARMS.flatMap((arm) => found[arm].map((one) => one.boundary))),
      LIKELY_EDGES,
      maxPositions,
    );
  const rival = { clock, epsilon, maxPositions };
  const run: Record<ArmName, (round: number) => Promise<ArmResult>> = {
    nearfree: async (round) => {
      const measured = await calibrate(probe, { clock, cell: options.cell, epsilon, seed: round + 1 });
      const boundary = measured.boundaries.find((each) => each.epsilon === epsilon)!;
      levels.push(boundary.level);
      calibrationMs.push(measured.run.ms);
      baseMs.push(measured.baseMs);
      return { boundary: boundary.prefixFree, forwards: measured.run.forwards };
    },
    sweep5: () => plainSweep(probe, { ...rival, samples: 5 }),
    sweep15: () => plainSweep(probe, { ...rival, samples: 15 }),
    bisect3: () => plainBisection(probe, { ...rival, samples: 3 }),
  };
  await probe.prepare(1); // Reading the context in is nobody's time.
  const began = clock();
  let round = 0;
  do {
    for (const turn of shuffled([...ARMS, "reference"] as const, random)) {
      if (turn === "reference") await reference.slice(deciding(), SLICE_PAIRS);
      else found[turn].push(await run[turn](round));
    }
    round++;
  } while (round < options.rounds && ((clock() - began) * (round + 1)) / round < ROUNDS_SHARE * budgetMs);
  await completeReference(reference, deciding(), epsilon, (share) => clock() - began < share * budgetMs);

  const ratioOf = (n: number) => reference.point(n)?.ratio;
  const boundaries = found.nearfree.map((one) => one.boundary);
  const modal = mode(boundaries);
  return {
    baseMs: median(baseMs),
    rounds: round,
    modalBoundary: modal,
    levels,
    sameBoundary: share(boundaries, (boundary) => boundary === modal),
    sameStair: share(boundaries, (boundary) => isSameStair(boundary, modal, ratioOf)),
    calibrationSeconds: median(calibrationMs) / 1000,
    arms: judge(found, ratioOf, { epsilon, maxPositions }),
    reference: reference.points,
    seconds: (clock() - began) / 1000,
  };
}

/** Pairs until every n is clear of the threshold or has all of them; then all of them for every n, while there is time. */
async function completeReference(
  reference: Reference,
  positions: readonly number[],
  epsilon: number,
  within: (share: number) => boolean,
): Promise<void> {
  const isClear = (n: number) => {
    const { ratio, error, pairs } = reference.point(n) ?? { ratio: 1, error: 0, pairs: 0 };
    const distance = Math.abs(Math.log(ratio / (1 + epsilon))) - Math.log(BAND);
    return pairs >= LEAST_PAIRS && distance > CLEAR_ERRORS * error;
  };
  const short = () => positions.filter((n) => reference.pairs(n) < REFERENCE_PAIRS);
  const open = () => short().filter((n) => !isClear(n));
  for (let left = open(); left.length > 0 && within(OVERRUN); left = open()) await reference.slice(left, SLICE_PAIRS);
  for (let left = short(); left.length > 0 && within(1); left = short()) await reference.slice(left, SLICE_PAIRS);
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
