import { createRandom, median, shuffled } from "@nearfree/calibrate";
import { loadOrCalibrate, type OpenModel, openModel } from "@nearfree/calibrate/node";
import { createScheduler } from "@nearfree/core";
import { heldOutPrompts, PROMPT_KINDS, type Prompt, type PromptKind, tinyTs } from "@nearfree/examples";
import { benchCommand } from "../setup/bench-command.ts";
import { type Arm, fixedArm, type Generation, loopArm } from "./loop-arm.ts";
import { transformersjsArm } from "./transformersjs-arm.ts";

const VARIANTS = ["fp32", "int4"] as const;
type Variant = (typeof VARIANTS)[number];

/** Positions of the fixed arms; 1 is the plain loop. */
const FIXED = [1, 2, 4, 8, 16];
/** One: the second core is left to garbage collection, whose helpers wait for spinning workers otherwise. */
const THREADS = 1;

interface Size {
  readonly newTokens: number;
  readonly repeats: number;
  readonly promptsPerKind: number;
}
const FULL: Size = { newTokens: 128, repeats: 3, promptsPerKind: 16 };
const QUICK: Size = { newTokens: 96, repeats: 2, promptsPerKind: 5 };

/** Everything one arm did on one prompt. */
interface Cell {
  readonly prompt: Prompt;
  readonly arm: string;
  readonly runs: Generation[];
}

interface VariantResult {
  readonly variant: Variant;
  /** Names, in the order of the tables. */
  readonly arms: readonly string[];
  readonly cells: readonly Cell[];
  readonly identical: number;
  readonly consistency: string;
}

async function runVariant(variant: Variant, size: Size, say: (line: string) => void): Promise<VariantResult> {
  const folder = await tinyTs(variant);
  const model = await openModel(folder, { threads: THREADS });
  const { profile } = await loadOrCalibrate(model);
  const { runner } = model;
  const scheduled = createScheduler({ profile });
  const transformersjs = await transformersjsArm(folder, THREADS);
  const arms: Arm[] = [
    ...FIXED.map((positions) => fixedArm(positions, runner)),
    loopArm("scheduled", runner, scheduled),
    transformersjs,
  ];
  // What the scheduled loop must equal: one position at a time, in the invariance class that it keeps to.
  const reference =
    scheduled.consistency === "bitwise"
      ? loopArm(
          "plain-bitwise",
          runner,
          createScheduler({ profile, policy: "fixed", positions: 1, consistency: "bitwise" }),
        )
      : undefined;
  if (reference) arms.push(reference);

  const prompts = await samplePrompts(size.promptsPerKind);
  const random = createRandom(1);
  const cells = new Map<string, Cell>();
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
  await model.release();
  const all = [...cells.values()];
  return {
    variant,
    arms: arms.map((arm) => arm.name),
    cells: all,
    identical: countIdentical(all, reference?.name ?? "plain"),
    consistency: scheduled.consistency,
  };
}

async function samplePrompts(perKind: number): Promise<Prompt[]> {
  const all = await heldOutPrompts();
  return PROMPT_KINDS.flatMap((kind) => all.filter((prompt) => prompt.kind === kind).slice(0, perKind));
}

async function warm(arms: readonly Arm[], model: OpenModel, prompt: Prompt): Promise<void> {
  for (const arm of arms) await arm.generate(model.codec!.encode(prompt.prompt), 32);
}

/** Prompts whose scheduled output is, in every repeat, the reference's. */
function countIdentical(cells: readonly Cell[], reference: string): number {
  const outputs = (arm: string) =>
    new Map(
      cells
        .filter((cell) => cell.arm === arm)
        .map((cell) => [cell.prompt.id, cell.runs.map((run) => run.tokens.join())]),
    );
  const expected = outputs(reference);
  let identical = 0;
  for (const [id, texts] of outputs("scheduled")) {
    const want = expected.get(id)![0];
    if ([...texts, ...expected.get(id)!].every((text) => text === want)) identical++;
  }
  return identical;
}

type Measure = "decodeMs" | "totalMs";

/** Tokens per second of an arm over the prompts of `kinds`: each prompt's median over the repeats, then the sum. */
function tokensPerSecond(result: VariantResult, arm: string, kinds: readonly PromptKind[], measure: Measure): number {
  let tokens = 0;
  let ms = 0;
  for (const cell of result.cells) {
    if (cell.arm !== arm || !kinds.includes(cell.prompt.kind)) continue;
    // The first token belongs to the prefill.
    tokens += cell.runs[0]!.tokens.length - (measure === "decodeMs" ? 1 : 0);
    ms += median(cell.runs.map((run) => run[measure]));
  }
  return (tokens / ms) * 1000;
}

function armTable(result: VariantResult) {
  const { arms } = result;
  const row = (kinds: readonly PromptKind[], measure: Measure) =>
    Object.fromEntries(arms.map((arm) => [arm, Math.round(tokensPerSecond(result, arm, kinds, measure))]));
  return {
    ...Object.fromEntries(PROMPT_KINDS.map((kind) => [kind, row([kind], "decodeMs")])),
    all: row(PROMPT_KINDS, "decodeMs"),
    allWithPrefill: row(PROMPT_KINDS, "totalMs"),
    consistency: result.consistency,
    tokensPerForward: round(tokensPerForward(result)),
  };
}

function tokensPerForward(result: VariantResult): number {
  const stats = result.cells
    .filter((cell) => cell.arm === "scheduled")
    .flatMap((cell) => cell.runs.map((run) => run.stats!));
  return stats.reduce((sum, s) => sum + s.tokens, 0) / stats.reduce((sum, s) => sum + s.forwards, 0);
}

function ratio(
  result: VariantResult,
  over: string,
  kinds: readonly PromptKind[] = PROMPT_KINDS,
  measure: Measure = "decodeMs",
): number {
  return tokensPerSecond(result, "scheduled", kinds, measure) / tokensPerSecond(result, over, kinds, measure);
}

const round = (value: number) => Math.round(value * 1000) / 1000;

function printTable(result: VariantResult, say: (line: string) => void): void {
  const table = armTable(result);
  const { arms } = result;
  say(`\n${result.variant}, tokens/s${" ".repeat(6)}${arms.map((arm) => arm.padStart(15)).join("")}`);
  for (const kind of [...PROMPT_KINDS, "all", "allWithPrefill"]) {
    const row = (table as unknown as Record<string, Record<string, number>>)[kind]!;
    say(`  ${kind.padEnd(18)}${arms.map((arm) => String(row[arm]).padStart(15)).join("")}`);
  }
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
    const fp32 = results[0]!;
    const worst = (values: number[]) => round(Math.min(...values));
    return {
      summary: {
        prompts: results.reduce((sum, result) => sum + new Set(result.cells.map((cell) => cell.prompt.id)).size, 0),
        identical: results.reduce((sum, result) => sum + result.identical, 0),
        scheduledOverPlainMin: worst(
          results.flatMap((result) => PROMPT_KINDS.map((kind) => ratio(result, "plain", [kind]))),
        ),
        scheduledOverPlain: round(ratio(fp32, "plain")),
        scheduledOverPlainRepeat: round(ratio(fp32, "plain", ["edit"])),
        scheduledOverBestFixed: worst(
          results.map((result) => Math.min(...FIXED.map((n) => ratio(result, n === 1 ? "plain" : `fixed-${n}`)))),
        ),
        scheduledOverTransformersjs: round(ratio(fp32, "transformersjs")),
      },
      newTokens: size.newTokens,
      repeats: size.repeats,
      threads: THREADS,
      models: Object.fromEntries(results.map((result) => [result.variant, armTable(result)])),
    };
  },
);
