import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { measureBalance, median } from "@nearfree/calibrate";
import { createBalanceProbes, seedRunner } from "@nearfree/ort-adapter";
import { summarizeFile } from "@nearfree/ort-adapter/node";
import * as ort from "onnxruntime-node";
import { FIXTURES } from "../exports/golden.ts";
import { geomean } from "../policy/score.ts";
import { type BenchOptions, benchCommand } from "../setup/bench-command.ts";
import { CONTEXT_MODELS, type ContextModel } from "./context-models.ts";
import { openTransformersjs } from "./generate-at.ts";
import { goldenTexts } from "./golden-texts.ts";
import { modelPlace } from "./model-place.ts";
import { ARM_NAMES, type ContextArm, openArm } from "./open-arms.ts";
import { peakMemory } from "./peak-memory.ts";
import { timeArms } from "./time-arms.ts";

interface ContextOptions extends BenchOptions {
  readonly models?: string;
  readonly samples?: string;
  readonly exports: string;
}

/** One context and number of rows of one model. */
interface Row {
  readonly model: string;
  readonly context: number;
  readonly rows: number;
  /** Median ms of a forward by arm. */
  readonly ms: Readonly<Record<string, number>>;
}

/** Everything that was measured of a model. */
interface Measured {
  readonly name: string;
  readonly rows: readonly Row[];
  /** ms of a token by context: of the lean arm and of transformers.js, in turns and with nobody else. */
  readonly tokenMs: Readonly<Record<number, { readonly lean: number; readonly transformersjs: number }>>;
  /** What a step of the lean arm returns, over its logits and new rows. */
  readonly bytesPerStep: number;
  /** Peak memory of the lean arm over that of transformers.js, at the last context. */
  readonly rssRatio: number;
  /** T(1) of the lean arm over the time that reading weights and cache once takes, at the last context. */
  readonly roofline: number;
}

const ROWS = [1, 2, 4, 8, 16];
const SAMPLES = { full: 15, quick: 5 };
/** Tokens that transformers.js and the lean arm are timed over, in their turn, and turns of each. */
const TOKENS = 12;
const TURNS = 3;

async function measure(entry: ContextModel, samples: number, say: (line: string) => void): Promise<Measured> {
  const { model, threads, contexts } = entry;
  const place = await modelPlace(entry);
  const last = contexts.at(-1)!;
  const rows: Row[] = [];
  const arms: ContextArm[] = [];
  // One after another, so that the peak of memory is theirs and no more.
  for (const name of ARM_NAMES) arms.push(await openArm(name, place));
  for (const context of contexts) {
    for (const n of ROWS) {
      const times = await timeArms(arms, context, n, samples);
      rows.push({ model: model.name, context, rows: n, ms: Object.fromEntries(times) });
      const shown = [...times].map(([name, ms]) => `${name} ${ms.toFixed(1)}`).join(", ");
      say(`${model.name} at ${context}, ${n} rows: ${shown}`);
    }
  }
  const bytesPerStep = await stepBytes(arms.find(({ name }) => name === "lean")!, entry, last);
  for (const arm of arms) await arm.release();

  const { weightBytes, kvBytesPerPosition } = summarizeFile(place.modelPath).summary;
  const bytesPerSecond = await bandwidth(threads, weightBytes);
  const floorMs = (1000 * (weightBytes + last * kvBytesPerPosition)) / bytesPerSecond;
  const roofline = leanMs(rows, last) / floorMs;

  const tokenMs = await besideTransformersjs(entry, say);
  const [lean, theirs] = [
    await peakMemory(model.name, "lean", last),
    await peakMemory(model.name, "transformers.js", last),
  ];
  say(
    `${model.name} at ${last}: ${megabytes(lean)} at most, transformers.js ${megabytes(theirs)}; ${roofline.toFixed(1)} times the roofline`,
  );
  return { name: model.name, rows, tokenMs, bytesPerStep, rssRatio: lean / theirs, roofline };
}

async function besideTransformersjs(entry: ContextModel, say: (line: string) => void): Promise<Measured["tokenMs"]> {
  const { folder, ...place } = await modelPlace(entry);
  const transformersjs = await openTransformersjs(folder, entry.threads, entry);
  const lean = await openArm("lean", place);
  const tokenMs: Record<number, Measured["tokenMs"][number]> = {};
  for (const context of entry.contexts) {
    const [ours, theirs]: number[][] = [[], []];
    for (let turn = 0; turn < TURNS; turn++) {
      ours!.push((await timeArms([lean], context, 1, TOKENS)).get("lean")!);
      theirs!.push(await transformersjs.tokenMs(context, TOKENS));
    }
    tokenMs[context] = { lean: median(ours!), transformersjs: median(theirs!) };
    const [mine, other] = [tokenMs[context].lean, tokenMs[context].transformersjs];
    say(`${entry.model.name} at ${context}, alone: lean ${mine.toFixed(1)}, transformers.js ${other.toFixed(1)}`);
  }
  await lean.release();
  await transformersjs.dispose();
  return tokenMs;
}

async function stepBytes({ runner, counted }: ContextArm, entry: ContextModel, context: number): Promise<number> {
  await seedRunner(runner, context);
  counted.returnedBytes = 0;
  await runner.forward([3]);
  const { layers, kvHeads, headDim } = entry;
  return counted.returnedBytes / (4 * (runner.describe().vocabularySize + 2 * layers * kvHeads * headDim));
}

/** Bytes/s of a product that reads as many weights once. */
async function bandwidth(threads: number, workingSetBytes: number): Promise<number> {
  const probes = await createBalanceProbes({
    createSession: (bytes) => ort.InferenceSession.create(bytes, { intraOpNumThreads: threads }),
    Tensor: ort.Tensor,
    workingSetBytes,
  });
  try {
    return (await measureBalance(probes, { clock: () => performance.now() })).bytesPerSecond;
  } finally {
    await probes.release();
  }
}

function singleRow(rows: readonly Row[], context: number): Row["ms"] {
  return rows.find((row) => row.context === context && row.rows === 1)!.ms;
}

function leanMs(rows: readonly Row[], context: number): number {
  return singleRow(rows, context).lean!;
}

/** Today's better arm over the lean one, for a single row. */
function overToday({ rows }: Measured, context: number): number {
  const { growing, "in place": inPlace, lean } = singleRow(rows, context);
  return Math.min(growing!, inPlace!) / lean!;
}

const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;
const round = (value: number) => Math.round(value * 1000) / 1000;

await benchCommand<ContextOptions>(
  "context",
  "ms of a forward against the length of the cache: the model's own graph, rewritten ones, and transformers.js",
  async ({ quick, models, samples, exports }, say) => {
    const names = models?.split(",");
    const chosen = CONTEXT_MODELS.filter(({ model }, i) => (names ? names.includes(model.name) : !quick || i === 0));
    if (chosen.length === 0) {
      const known = CONTEXT_MODELS.map(({ model }) => model.name).join(", ");
      throw new RangeError(`--models: expected some of ${known}; received ${models}`);
    }
    const results: Measured[] = [];
    for (const entry of chosen) {
      results.push(await measure(entry, Number(samples ?? (quick ? SAMPLES.quick : SAMPLES.full)), say));
    }
    const cache = await mkdtemp(join(tmpdir(), "nearfree-context-"));
    const golden = await goldenTexts(exports, cache).finally(() => rm(cache, { recursive: true, force: true }));
    for (const line of [...golden.mismatches, ...golden.coarseMismatches]) say(`other tokens: ${line}`);
    const each = (value: (result: Measured) => number) => results.map(value);
    const lean = (context: number) => each((result) => overToday(result, context));
    const theirs = (context: number) =>
      each(({ tokenMs }) => tokenMs[context]!.transformersjs / tokenMs[context]!.lean);
    return {
      summary: {
        leanOverTodayAt128: round(Math.min(...lean(128))),
        leanOverTodayAt1024: round(geomean(lean(1024))),
        leanOverTodayAt1024Min: round(Math.min(...lean(1024))),
        leanOverTodayAt4032: round(geomean(lean(4032))),
        overTransformersjsAt1024: round(geomean(theirs(1024))),
        overTransformersjsAt4032: round(geomean(theirs(4032))),
        bytesPerStepAt4032: round(Math.max(...each((result) => result.bytesPerStep))),
        rssRatioAt4032: round(Math.max(...each((result) => result.rssRatio))),
        goldenTexts: golden.texts,
        goldenMismatches: golden.mismatches.length,
        leanCoarseTexts: golden.coarseTexts,
        leanCoarseMismatches: golden.coarseMismatches.length,
        rooflineAt4032: round(geomean(each((result) => result.roofline))),
      },
      results,
    };
  },
  (command) =>
    command
      .option("--models <names>", "some of the models, by name, comma-separated")
      .option("--samples <n>", "forwards of each arm, context and number of rows")
      .option("--exports <folder>", "real exports with golden tokens", FIXTURES),
);
