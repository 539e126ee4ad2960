import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { geomean } from "../policy/score.ts";
import { type BenchOptions, benchCommand } from "../setup/bench-command.ts";
import { modelFolder } from "../setup/bench-models.ts";
import { CONTEXT_MODELS, type ContextModel } from "./context-models.ts";
import { openTransformersjs } from "./generate-at.ts";
import { openArms, seed } from "./open-arms.ts";
import { type ArmTimes, timeArms } from "./time-arms.ts";

interface ContextOptions extends BenchOptions {
  readonly models?: string;
  readonly samples?: string;
}

/** One context and number of rows of one model. */
interface Row {
  readonly model: string;
  readonly context: number;
  readonly rows: number;
  /** Median ms of a forward by arm. */
  readonly ms: Readonly<Record<string, number>>;
}

const ROWS = [1, 2, 4, 8, 16];
const SAMPLES = { full: 15, quick: 5 };
/** Tokens that transformers.js is timed over. */
const TOKENS = 12;
/** Positions behind the last context: the widest forward, and what transformers.js generates. */
const ROOM = 64;

async function measure(entry: ContextModel, samples: number, say: (line: string) => void) {
  const { model, threads, contexts } = entry;
  const folder = await modelFolder(model);
  const modelPath = join(folder, "onnx", "model.onnx");
  const rewrites = join(dirname(folder), "rewrites");
  await mkdir(rewrites, { recursive: true });
  const rows: Row[] = [];
  const arms = await openArms({ modelPath, rewrites, threads, contextLimit: contexts.at(-1)! + ROOM });
  let bytesPerStep = Number.NaN;
  for (const context of contexts) {
    for (const n of ROWS) {
      const times: ArmTimes = await timeArms(arms, context, n, samples);
      rows.push({ model: model.name, context, rows: n, ms: Object.fromEntries(times) });
      say(
        `${model.name} at ${context}, ${n} rows: ${[...times].map(([name, ms]) => `${name} ${ms.toFixed(1)}`).join(", ")}`,
      );
    }
    const lean = arms.find(({ name }) => name === "lean")!;
    await seed(lean, context);
    lean.seedable.returnedBytes = 0;
    await lean.runner.forward([3]);
    lean.runner.rewind(context);
    const { layers, kvHeads, headDim } = entry;
    const needed = 4 * (lean.runner.describe().vocabularySize + 2 * layers * kvHeads * headDim);
    bytesPerStep = lean.seedable.returnedBytes / needed;
  }
  for (const arm of arms) await arm.release();
  const transformersjs = await openTransformersjs(folder, threads, entry);
  const tokenMs = new Map<number, number>();
  for (const context of contexts) {
    tokenMs.set(context, await transformersjs.tokenMs(context, TOKENS));
    say(`${model.name} at ${context}: transformers.js ${tokenMs.get(context)!.toFixed(1)}`);
  }
  await transformersjs.dispose();
  return { rows, tokenMs: Object.fromEntries(tokenMs), bytesPerStep };
}

/** Today's better arm over the lean one, for a single row. */
function leanOverToday(rows: readonly Row[], context: number): number[] {
  return rows
    .filter((row) => row.context === context && row.rows === 1)
    .map(({ ms }) => Math.min(ms.growing!, ms["in place"]!) / ms.lean!);
}

const round = (value: number) => Math.round(value * 1000) / 1000;

await benchCommand<ContextOptions>(
  "context",
  "ms of a forward against the length of the cache: the model's own graph, rewritten ones, and transformers.js",
  async ({ quick, models, samples }, say) => {
    const names = models?.split(",");
    const chosen = CONTEXT_MODELS.filter(({ model }, i) => (names ? names.includes(model.name) : !quick || i === 0));
    if (chosen.length === 0) {
      const known = CONTEXT_MODELS.map(({ model }) => model.name).join(", ");
      throw new RangeError(`--models: expected some of ${known}; received ${models}`);
    }
    const results: ({ readonly name: string } & Awaited<ReturnType<typeof measure>>)[] = [];
    for (const entry of chosen) {
      const count = Number(samples ?? (quick ? SAMPLES.quick : SAMPLES.full));
      results.push({ name: entry.model.name, ...(await measure(entry, count, say)) });
    }
    const rows = results.flatMap((result) => result.rows);
    const overTransformersjs = (context: number) =>
      results.map(({ rows: own, tokenMs }) => {
        const lean = own.find((row) => row.context === context && row.rows === 1)!.ms.lean!;
        return tokenMs[context]! / lean;
      });
    return {
      summary: {
        leanOverTodayAt128: round(Math.min(...leanOverToday(rows, 128))),
        leanOverTodayAt1024: round(geomean(leanOverToday(rows, 1024))),
        leanOverTodayAt1024Min: round(Math.min(...leanOverToday(rows, 1024))),
        leanOverTodayAt4032: round(geomean(leanOverToday(rows, 4032))),
        overTransformersjsAt1024: round(geomean(overTransformersjs(1024))),
        overTransformersjsAt4032: round(geomean(overTransformersjs(4032))),
        bytesPerStepAt4032: round(Math.max(...results.map((result) => result.bytesPerStep))),
      },
      results,
    };
  },
  (command) =>
    command
      .option("--models <names>", "some of the models, by name, comma-separated")
      .option("--samples <n>", "forwards of each arm, context and number of rows"),
);
