import { writeFile } from "node:fs/promises";
import { createNgramDrafter } from "@nearfree/core";
import { type BenchOptions, benchCommand } from "../setup/bench-command.ts";
import { REPLAY_CURVES } from "./curves/replay-curves.ts";
import { measureCurves } from "./measure-curves.ts";
import { type Cell, playCell } from "./play-cell.ts";
import { RECORDED_VARIANTS, recordings } from "./recording.ts";
import { RIVAL_KEYS } from "./rivals/rivals.ts";
import { scheduleSvg } from "./schedule-svg.ts";
import { geomean, type Ratio } from "./score.ts";
import { type Segment, withDrafts } from "./stream.ts";
import { segmentsByAcceptance, TRAFFICS } from "./traffic.ts";
import { type WallResult, type WallSize, wallClock } from "./wall/wall-clock.ts";

const SEEDS = 20;
const QUICK_SEEDS = 4;
const WALL: WallSize = { promptsPerKind: 3, newTokens: 128, repeats: 3 };
const QUICK_WALL: WallSize = { promptsPerKind: 1, newTokens: 64, repeats: 2 };

/** Segments of every recorded variant, those that drafts do worst on first. */
async function rankedSegments(say: (line: string) => void): Promise<ReadonlyMap<string, readonly Segment[]>> {
  const drafter = createNgramDrafter();
  const ranked = new Map<string, readonly Segment[]>();
  for (const variant of RECORDED_VARIANTS) {
    const texts = (await recordings(variant, say)).map((recording) => withDrafts(recording, drafter));
    ranked.set(variant, segmentsByAcceptance(texts));
  }
  return ranked;
}

function summaryOf(cells: readonly Cell[]) {
  const of = (kind: string) => cells.filter(({ curve }) => curve.kind === kind);
  const rivalMeans = (some: readonly Cell[]) =>
    some.flatMap((cell) => RIVAL_KEYS.map((key) => cell.overRivals[key].mean));
  const perRival = RIVAL_KEYS.map((key) => [
    `over${key[0]!.toUpperCase()}${key.slice(1)}`,
    round(geomean(cells.map((cell) => cell.overRivals[key].mean))),
  ]);
  return {
    overBestFixedMin: round(Math.min(...cells.map((cell) => cell.overBestFixed.mean))),
    overBestFixedMixed: round(
      geomean(cells.filter(({ traffic }) => traffic.mixed).map((cell) => cell.overBestFixed.mean)),
    ),
    overClairvoyant: round(geomean(cells.map((cell) => cell.overClairvoyant.mean))),
    overRivalsHard: round(geomean(rivalMeans(of("hard")))),
    overRivalsHardMin: round(
      Math.min(...RIVAL_KEYS.map((key) => geomean(of("hard").map((cell) => cell.overRivals[key].mean)))),
    ),
    overRivalsFlatMin: round(Math.min(...rivalMeans(of("flat")))),
    worstLossVsOne: round(1 - Math.min(...cells.map((cell) => cell.overPlainWorst))),
    ...Object.fromEntries(perRival),
  };
}

const round = (value: number) => Math.round(value * 1000) / 1000;
const rounded = ({ mean, low, high }: Ratio) => [round(mean), round(low), round(high)];

function detailOf(cell: Cell) {
  return {
    curve: cell.curve.name,
    kind: cell.curve.kind,
    traffic: cell.traffic.name,
    tokensPerForward: round(cell.tokensPerForward),
    bestFixed: cell.bestFixed,
    overBestFixed: rounded(cell.overBestFixed),
    overBestFixedWorst: round(cell.overBestFixedWorst),
    overPlain: rounded(cell.overPlain),
    overPlainWorst: round(cell.overPlainWorst),
    overClairvoyant: rounded(cell.overClairvoyant),
    overRivals: Object.fromEntries(RIVAL_KEYS.map((key) => [key, rounded(cell.overRivals[key])])),
  };
}

const COLUMNS = ["plain", "fixed", "bound", ...RIVAL_KEYS];

function line({ curve, traffic, overPlain, overBestFixed, overClairvoyant, overRivals }: Cell): string {
  const means = [overPlain, overBestFixed, overClairvoyant, ...RIVAL_KEYS.map((key) => overRivals[key])];
  return `${`${curve.name} ${traffic.name}`.padEnd(26)}${means.map(({ mean }) => mean.toFixed(3).padStart(8)).join("")}`;
}

async function tournament(seeds: number, say: (line: string) => void): Promise<Cell[]> {
  const ranked = await rankedSegments(say);
  say(`speed over${" ".repeat(16)}${COLUMNS.map((name) => name.slice(0, 7).padStart(8)).join("")}`);
  const cells: Cell[] = [];
  for (const curve of REPLAY_CURVES) {
    for (const traffic of TRAFFICS) {
      const cell = playCell(curve, traffic, ranked.get(curve.variant)!, seeds);
      say(line(cell));
      cells.push(cell);
    }
  }
  return cells;
}

/** The largest share by which the replay and the clock differ in an arm's speed over the plain loop. */
function wallError(results: readonly WallResult[]): number {
  const errors = results.flatMap(({ arms }) => arms.map(({ wall, replayed }) => Math.abs(replayed / wall - 1)));
  return Math.max(...errors);
}

interface PolicyOptions extends BenchOptions {
  readonly measure: boolean;
  readonly wall: boolean;
  readonly figure?: string;
}

/** The prompt of the figure: a file to go on with, in which drafts come and go. */
const FIGURE_PROMPT = "continue-05";

async function drawFigure(file: string, say: (line: string) => void): Promise<void> {
  const recording = (await recordings("fp32", say)).find(({ id }) => id === FIGURE_PROMPT)!;
  await writeFile(file, scheduleSvg(withDrafts(recording, createNgramDrafter())));
  say(`${file} written`);
}

await benchCommand<PolicyOptions>(
  "policy",
  "every rule for choosing positions on the same recorded texts",
  async ({ quick, measure, wall, figure }, say) => {
    if (figure !== undefined) {
      await drawFigure(figure, say);
      return { summary: {} };
    }
    if (measure) return { summary: {}, curves: await measureCurves(say) };
    const seeds = quick ? QUICK_SEEDS : SEEDS;
    const cells = await tournament(seeds, say);
    const byTheClock = wall ? await wallClock(quick ? QUICK_WALL : WALL, say) : undefined;
    return {
      summary: { ...summaryOf(cells), wallError: byTheClock ? round(wallError(byTheClock)) : null },
      seeds,
      cells: cells.map(detailOf),
      wall: byTheClock ?? null,
    };
  },
  (command) =>
    command
      .option("--no-wall", "leave out the part that runs models by the clock")
      .option("--figure <file>", "draw chosen n over one recorded text as SVG, and nothing else")
      .option("--measure", "measure the curves of measured-curves.ts anew, and nothing else", false),
);
