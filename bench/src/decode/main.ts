import { createRandom, shuffled } from "@nearfree/calibrate";
import { loadOrCalibrate, type OpenModel, openModel } from "@nearfree/calibrate/node";
import { createScheduler } from "@nearfree/core";
import { heldOutPrompts, LOOPING_BELOW, longPrompts, PROMPT_KINDS, type Prompt, tinyTs } from "@nearfree/examples";
import { benchCommand } from "../setup/bench-command.ts";
import {
  type ArmResults,
  longPrompts as areLong,
  armResults,
  type Cell,
  countIdentical,
  countPrompts,
  HALVES,
  half,
  headlines,
  type Measure,
  ratio,
  shortPrompts,
  tokensPerForward,
  tokensPerSecond,
  type Which,
} from "./arm-results.ts";
import { type Arm, fixedArm, type Generation, loopArm } from "./loop-arm.ts";
import { transformersjsArm } from "./transformersjs-arm.ts";

const VARIANTS = ["fp32", "int4", "int8"] as const;
type Variant = (typeof VARIANTS)[number];

/** Positions of the fixed arms. */
const FIXED = [1, 2, 4, 8, 16];
/** One: the second core is left to garbage collection, whose helpers wait for spinning workers otherwise. */
const THREADS = 1;

interface Size {
  readonly newTokens: number;
  readonly repeats: number;
  readonly promptsPerKind: number;
  readonly longPrompts: number;
}
const FULL: Size = { newTokens: 128, repeats: 3, promptsPerKind: 16, longPrompts: 8 };
const QUICK: Size = { newTokens: 96, repeats: 2, promptsPerKind: 4, longPrompts: 2 };

interface VariantResult extends ArmResults {
  readonly variant: Variant;
  readonly identical: number;
  readonly consistency: string;
}

async function runVariant(variant: Variant, size: Size, say: (line: string) => void): Promise<VariantResult> {
  const folder = await tinyTs(variant);
  const model = await openModel(folder, { threads: THREADS });
  // The plain loop is that of the model's own graph.
  const original = await openModel(folder, { threads: THREADS, kvCache: "original" });
  const { profile } = await loadOrCalibrate(model);
  const { runner } = model;
  const scheduled = createScheduler({ profile });
  const stopTokens = model.folder.eosTokenIds;
  const transformersjs = await transformersjsArm(folder, THREADS, stopTokens);
  const arms: Arm[] = [
    loopArm("plain", original.runner, createScheduler({ policy: "fixed", positions: 1 }), stopTokens),
    ...FIXED.map((positions) => fixedArm(positions, runner, stopTokens)),
    loopArm("scheduled", runner, scheduled, stopTokens),
    transformersjs,
  ];
  // What the scheduled loop must equal: one position at a time, in the invariance class that it keeps to.
  const reference =
    scheduled.consistency === "bitwise"
      ? loopArm(
          "plain-bitwise",
          runner,
          createScheduler({ profile, policy: "fixed", positions: 1, consistency: "bitwise" }),
          stopTokens,
        )
      : undefined;
  if (reference) arms.push(reference);

  const prompts = await samplePrompts(size);
  const random = createRandom(1);
  const cells = new Map<string, Cell & { runs: Generation[] }>();
  await warm(arms, model, prompts[0]!);
  for (let repeat = 0; repeat < size.repeats; repeat++) {
    for (const prompt of shuffled(prompts, random)) {
      const tokens = model.codec!.encode(prompt.prompt);
      for (const arm of shuffled(arms, random)) {
        const key = `${prompt.id} ${arm.name}`;
        const cell = cells.get(key) ?? { prompt, arm: arm.name, runs: [] };
        cell.runs.push(await arm.generate(tokens, size.newTokens));
        cells.set(key, cell);
      }
    }
    say(`${variant}: pass ${repeat + 1} of ${size.repeats} done`);
  }
  await transformersjs.dispose();
  await original.release();
  await model.release();
  const results = armResults(
    arms.map((arm) => arm.name),
    [...cells.values()],
  );
  if (results.endAtOnce.length > 0) {
    say(`${variant}: ${results.endAtOnce.join(", ")}: the text ends at once, not timed`);
  }
  const identical = countIdentical(results, reference?.name ?? "plain");
  return { ...results, variant, identical, consistency: scheduled.consistency };
}

async function samplePrompts(size: Size): Promise<Prompt[]> {
  const all = await heldOutPrompts();
  const short = PROMPT_KINDS.flatMap((kind) =>
    all.filter((prompt) => prompt.kind === kind).slice(0, size.promptsPerKind),
  );
  return [...short, ...(await longPrompts()).slice(0, size.longPrompts)];
}

async function warm(arms: readonly Arm[], model: OpenModel, prompt: Prompt): Promise<void> {
  for (const arm of arms) await arm.generate(model.codec!.encode(prompt.prompt), 32);
}

function rowsOf(result: VariantResult): Record<string, Record<string, number>> {
  const row = (which: Which, measure: Measure = "decodeMs") =>
    Object.fromEntries(result.arms.map((arm) => [arm, Math.round(tokensPerSecond(result, arm, which, measure))]));
  return {
    ...Object.fromEntries(PROMPT_KINDS.map((kind) => [kind, row((prompt) => prompt.kind === kind)])),
    ...Object.fromEntries(HALVES.map((name) => [name, row(half(result, name))])),
    all: row(shortPrompts),
    allWithPrefill: row(shortPrompts, "totalMs"),
    long: row(areLong),
    longWithPrefill: row(areLong, "totalMs"),
  };
}

function armTable(result: VariantResult) {
  return {
    ...rowsOf(result),
    consistency: result.consistency,
    tokensPerForward: round(tokensPerForward(result)),
    endAtOnce: result.endAtOnce,
    loopingPrompts: [...result.looping],
  };
}

const everyPrompt = () => true;
const round = (value: number) => Math.round(value * 1000) / 1000;

function printTable(result: VariantResult, say: (line: string) => void): void {
  const { arms } = result;
  say(`\n${result.variant}, tokens/s${" ".repeat(6)}${arms.map((arm) => arm.padStart(15)).join("")}`);
  for (const [name, row] of Object.entries(rowsOf(result))) {
    say(`  ${name.padEnd(18)}${arms.map((arm) => String(row[arm]).padStart(15)).join("")}`);
  }
}

/** Every headline over all prompts, then over each half of them. null where a half has no such prompt. */
function summary(results: readonly VariantResult[]): Record<string, number | null> {
  const fp32 = results[0]!;
  const int8 = results.find(({ variant }) => variant === "int8");
  // What earlier runs were told of.
  const known = results.filter((result) => result !== int8);
  const sum = (count: (result: VariantResult) => number) => results.reduce((total, each) => total + count(each), 0);
  const named = (prefix: string, which: (result: ArmResults) => Which) =>
    Object.entries(headlines(fp32, known, which)).map(([name, value]) => [`${prefix}${name}`, value] as const);
  const halves = HALVES.flatMap((name) => [
    ...named(name, (result) => half(result, name)),
    [`${name}TokensPerForward`, tokensPerForward(fp32, half(fp32, name))] as const,
    [`${name}Prompts`, sum((result) => countPrompts(result, half(result, name)))] as const,
  ]);
  const figures = [
    ["prompts", sum((result) => countPrompts(result, everyPrompt))] as const,
    ["identical", sum((result) => result.identical)] as const,
    ["endAtOnce", sum((result) => result.endAtOnce.length)] as const,
    ...named("scheduled", () => shortPrompts),
    ["int8Prompts", int8 ? countPrompts(int8, everyPrompt) : Number.NaN] as const,
    ["int8Identical", int8 ? countIdentical(int8, "plain") : Number.NaN] as const,
    ["int8OverPlain", int8 ? ratio(int8, "plain", shortPrompts) : Number.NaN] as const,
    ["longOverPlain", ratio(fp32, "plain", areLong)] as const,
    ["longOverTransformersjs", ratio(fp32, "transformersjs", areLong)] as const,
    ...halves,
  ];
  return Object.fromEntries(figures.map(([name, value]) => [name, Number.isFinite(value) ? round(value) : null]));
}

await benchCommand(
  "decode",
  "tokens/s of the scheduled loop against plain, fixed and transformers.js",
  async ({ quick }, say) => {
    const size = quick ? QUICK : FULL;
    const results: VariantResult[] = [];
    for (const variant of VARIANTS) {
      const result = await runVariant(variant, size, say);
      printTable(result, say);
      results.push(result);
    }
    return {
      summary: summary(results),
      loopingBelow: LOOPING_BELOW,
      newTokens: size.newTokens,
      repeats: size.repeats,
      threads: THREADS,
      models: Object.fromEntries(results.map((result) => [result.variant, armTable(result)])),
    };
  },
);
