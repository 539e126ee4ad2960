import { median } from "@nearfree/calibrate";
import { distinctGrams, LOOPING_BELOW, PROMPT_KINDS, type Prompt } from "@nearfree/examples";
import type { Generation } from "./loop-arm.ts";

/** Everything one arm did on one prompt. */
export interface Cell {
  readonly prompt: Prompt;
  readonly arm: string;
  readonly runs: readonly Generation[];
}

/** What all arms did with one model. */
export interface ArmResults {
  /** Names, in the order of the tables. */
  readonly arms: readonly string[];
  /** Of every prompt that some arm has a token for. */
  readonly cells: readonly Cell[];
  /** Ids of the prompts whose text ends at once by every arm: there is nothing to time. */
  readonly endAtOnce: readonly string[];
  /** Ids of the prompts whose plain output loops: speculation is easy there, and says little of other text. */
  readonly looping: ReadonlySet<string>;
}

/** Which prompts a figure is of. */
export type Which = (prompt: Prompt) => boolean;

/** Of every figure but those of the long prompts. */
export const shortPrompts: Which = ({ kind }) => kind !== "long";
export const longPrompts: Which = ({ kind }) => kind === "long";

/** The two halves of the prompts, by what the plain loop says to them. */
export const HALVES = ["looping", "nonLooping"] as const;
export type Half = (typeof HALVES)[number];

export function half(results: ArmResults, name: Half): Which {
  return (prompt) => shortPrompts(prompt) && results.looping.has(prompt.id) === (name === "looping");
}

export function armResults(arms: readonly string[], all: readonly Cell[]): ArmResults {
  const spoken = new Set(all.filter(({ runs }) => runs.some(({ tokens }) => tokens.length > 0)).map(idOf));
  const cells = all.filter((cell) => spoken.has(idOf(cell)));
  const loops = ({ arm, runs }: Cell) => arm === "plain" && distinctGrams(runs[0]!.tokens) < LOOPING_BELOW;
  return {
    arms,
    cells,
    endAtOnce: [...new Set(all.map(idOf))].filter((id) => !spoken.has(id)),
    looping: new Set(cells.filter(loops).map(idOf)),
  };
}

const idOf = ({ prompt }: Cell) => prompt.id;

export function countPrompts({ cells }: ArmResults, which: Which = shortPrompts): number {
  return new Set(cells.filter(({ prompt }) => which(prompt)).map(idOf)).size;
}

/** Prompts whose scheduled output is, in every repeat, the reference's. */
export function countIdentical({ cells }: ArmResults, reference: string): number {
  const outputs = (arm: string) =>
    new Map(
      cells.filter((cell) => cell.arm === arm).map((cell) => [idOf(cell), cell.runs.map((run) => run.tokens.join())]),
    );
  const expected = outputs(reference);
  let identical = 0;
  for (const [id, texts] of outputs("scheduled")) {
    const want = expected.get(id)![0];
    if ([...texts, ...expected.get(id)!].every((text) => text === want)) identical++;
  }
  return identical;
}

export type Measure = "decodeMs" | "totalMs";

/** Tokens per second of an arm: each prompt's median over the repeats, then the sum. NaN where there is none of `which`. */
export function tokensPerSecond({ cells }: ArmResults, arm: string, which: Which, measure: Measure): number {
  let tokens = 0;
  let ms = 0;
  for (const cell of cells) {
    if (cell.arm !== arm || !which(cell.prompt)) continue;
    const count = cell.runs[0]!.tokens.length;
    // The first token belongs to the prefill.
    tokens += measure === "decodeMs" ? Math.max(0, count - 1) : count;
    ms += median(cell.runs.map((run) => run[measure]));
  }
  return (tokens / ms) * 1000;
}

/** Tokens per forward of the scheduled arm. */
export function tokensPerForward({ cells }: ArmResults, which: Which = shortPrompts): number {
  const stats = cells
    .filter(({ arm, prompt }) => arm === "scheduled" && which(prompt))
    .flatMap(({ runs }) => runs.map((run) => run.stats!));
  return stats.reduce((sum, s) => sum + s.tokens, 0) / stats.reduce((sum, s) => sum + s.forwards, 0);
}

/** How many times as fast as the arm `over` the scheduled one is. */
export function ratio(results: ArmResults, over: string, which: Which): number {
  const rate = (arm: string) => tokensPerSecond(results, arm, which, "decodeMs");
  return rate("scheduled") / rate(over);
}

/** The headline ratios over the prompts of `which(results)`, of `fp32` or of the worst model. NaN where no prompt is one. */
export function headlines(fp32: ArmResults, all: readonly ArmResults[], which: (results: ArmResults) => Which) {
  const worst = (ratios: readonly number[]) => {
    const known = ratios.filter(Number.isFinite);
    return known.length === 0 ? Number.NaN : Math.min(...known);
  };
  const ofKind = (results: ArmResults, kind: string): Which => {
    const chosen = which(results);
    return (prompt) => prompt.kind === kind && chosen(prompt);
  };
  const fixed = (results: ArmResults) => results.arms.filter((arm) => arm === "plain" || arm.startsWith("fixed-"));
  return {
    OverPlainMin: worst(
      all.flatMap((results) => PROMPT_KINDS.map((kind) => ratio(results, "plain", ofKind(results, kind)))),
    ),
    OverPlain: ratio(fp32, "plain", which(fp32)),
    OverPlainRepeat: ratio(fp32, "plain", ofKind(fp32, "edit")),
    OverBestFixed: worst(all.flatMap((results) => fixed(results).map((arm) => ratio(results, arm, which(results))))),
    OverTransformersjs: ratio(fp32, "transformersjs", which(fp32)),
  };
}
