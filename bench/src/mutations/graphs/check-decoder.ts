import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type OpenModel, type OpenModelOptions, openModel } from "@nearfree/calibrate/node";
import { createScheduler, decodeAll, NearfreeError } from "@nearfree/core";
import { encodeModelToBytes } from "@nearfree/ort-adapter/onnx";
import { writeSource } from "./decoder-sources.ts";
import type { MutatedDecoder } from "./mutated-decoder.ts";

/**
 * What became of one mutated decoder. `refused`: a NearfreeError names the trouble. `original`: the rewrite was refused, with a
 * reason. `rewritten`: the same tokens. `caught`: the rewritten graph was wrong or did not run, and the original runs in its place.
 * `unstable`: the mutated graph itself gives other tokens on
 * another of its own caches, or from run to run. `wrong`, `crash`: never.
 */
export type DecoderOutcome = "refused" | "original" | "rewritten" | "caught" | "unstable" | "wrong" | "crash";

export interface CheckedDecoder {
  readonly outcome: DecoderOutcome;
  /** Of a refusal, a warning or a fault; one line. */
  readonly message: string;
}

const PROMPT = [7, 3, 11, 29, 5];
/** Beyond every near window and wall; and, in one decoder of eight, beyond the first room of a rewritten cache. */
const TOKENS = 40;
const MANY_TOKENS = 140;
const POSITIONS = 4;
/** Of the spread of a row: tokens nearer than this may change places by rounding. */
const ROUNDING = 1e-3;
const COARSE_ROUNDING = 0.5;

/** Opens the mutated decoder as it is and rewritten, in `folder`, and compares the tokens that both decode. */
export async function checkDecoder(
  { source, model }: MutatedDecoder,
  seed: number,
  folder: string,
  say: (stage: string) => void = () => {},
): Promise<CheckedDecoder> {
  const warnings: string[] = [];
  const count = seed % 8 === 0 ? MANY_TOKENS : TOKENS;
  const options = { threads: 1, cache: join(folder, "cache") };
  try {
    await writeSource(source, encodeModelToBytes(model), folder);
    say("reference");
    const reference = await decodeReference(folder, { ...options, kvCache: "growing" }, count);
    say("rewritten");
    const lean = await openOrRefuse(folder, {
      ...options,
      kvCache: seed % 5 === 0 ? "rows" : "lean",
      onWarning: (line) => warnings.push(line),
    });
    if (reference instanceof NearfreeError || lean instanceof NearfreeError) {
      const error = lean instanceof NearfreeError ? lean : (reference as NearfreeError);
      if (!(lean instanceof NearfreeError)) await lean.release();
      if (lean instanceof NearfreeError && !(reference instanceof NearfreeError)) {
        return { outcome: "wrong", message: `refused, where the model itself runs: ${lean.message}` };
      }
      return clear(error.message)
        ? { outcome: "refused", message: error.message }
        : { outcome: "crash", message: error.message };
    }
    try {
      const said = warnings.filter((line) => line.includes("the original graph runs"));
      const rewritten = lean.runner.describe().kvCache === "lean";
      if (!rewritten && said.length !== 1) return { outcome: "wrong", message: `said ${said.length} times: ${said}` };
      if (!said.every(clear)) return { outcome: "crash", message: said.join("; ") };
      const rounding = source.coarse ? COARSE_ROUNDING : ROUNDING;
      for (const positions of [1, POSITIONS]) {
        const found = firstDifference(reference, await decodeWith(lean, count, positions), rounding);
        if (found === undefined) continue;
        say("reference");
        const outcome = (await isStable(reference, folder, options, count, rounding)) ? "wrong" : "unstable";
        return { outcome, message: `${positions} at a time: ${found}` };
      }
      if (rewritten) return { outcome: "rewritten", message: "" };
      const caught = /the rewritten (one|graph)/.test(said[0]!);
      return { outcome: caught ? "caught" : "original", message: said[0]!.replace(/^.*the original graph runs: /, "") };
    } finally {
      await lean.release();
    }
  } catch (error) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    if (error instanceof NearfreeError && clear(error.message)) return { outcome: "refused", message: error.message };
    return { outcome: "crash", message: stack.slice(0, 600) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const clear = (message: string) => !message.includes("\n") && message.length < 2000;

interface Decoded {
  readonly tokens: readonly number[];
  /** Of each token, how far below the best score, in spreads of its row, others lie. */
  readonly gaps: readonly ((token: number) => number)[];
}

async function openOrRefuse(folder: string, options: OpenModelOptions): Promise<OpenModel | NearfreeError> {
  try {
    return await openModel(folder, options);
  } catch (error) {
    if (error instanceof NearfreeError) return error;
    throw error;
  }
}

/**
 * Whether the mutated graph gives the same tokens in every loop of its own. Kernels that read beyond their memory do not, nor do layers
 * that read each other's cache, which the one kept in place has overwritten.
 */
async function isStable(
  reference: Decoded,
  folder: string,
  options: OpenModelOptions,
  count: number,
  rounding: number,
): Promise<boolean> {
  for (const kvCache of ["growing", "original"] as const) {
    const again = await decodeReference(folder, { ...options, kvCache }, count);
    if (again instanceof NearfreeError || `${again.tokens}` !== `${reference.tokens}`) return false;
  }
  const own = await openModel(folder, { ...options, kvCache: "original" });
  try {
    for (const positions of [1, POSITIONS]) {
      if (firstDifference(reference, await decodeWith(own, count, positions), rounding) !== undefined) return false;
    }
    return true;
  } finally {
    await own.release();
  }
}

/** One position at a time on the cache that is asked for, or on the only one that the model has. */
async function decodeReference(
  folder: string,
  options: OpenModelOptions,
  count: number,
): Promise<Decoded | NearfreeError> {
  let model = await openOrRefuse(folder, { ...options, prefillChunk: 1 });
  if (model instanceof NearfreeError)
    model = await openOrRefuse(folder, { ...options, kvCache: "original", prefillChunk: 1 });
  if (model instanceof NearfreeError) return model;
  try {
    const { runner } = model;
    const { vocabularySize } = runner.describe();
    const tokens: number[] = [];
    const gaps: Decoded["gaps"][number][] = [];
    for (const token of PROMPT.slice(0, -1)) await runner.forward([token % vocabularySize], 0);
    for (let last = PROMPT.at(-1)! % vocabularySize; tokens.length < count; last = tokens.at(-1)!) {
      const row = (await runner.forward([last])).slice();
      const best = highest(row);
      tokens.push(best);
      gaps.push((token) => (row[best]! - row[token]!) / spread(row));
    }
    return { tokens, gaps };
  } catch (error) {
    if (error instanceof NearfreeError) return error;
    throw error;
  } finally {
    await model.release();
  }
}

function highest(row: Float32Array): number {
  let best = 0;
  for (let i = 1; i < row.length; i++) if (row[i]! > row[best]!) best = i;
  return best;
}

function spread(row: Float32Array): number {
  const mean = row.reduce((sum, value) => sum + value, 0) / row.length;
  return Math.sqrt(row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / row.length);
}

async function decodeWith({ runner }: OpenModel, count: number, positions: number): Promise<readonly number[]> {
  const { vocabularySize } = runner.describe();
  runner.rewind(0);
  const prompt = PROMPT.map((token) => token % vocabularySize);
  const scheduler = createScheduler({ policy: "fixed", positions });
  return (await decodeAll({ runner, scheduler, prompt, maxNewTokens: count })).tokens;
}

/** In words; undefined for the same tokens up to one that rounding may have chosen. */
function firstDifference({ tokens, gaps }: Decoded, found: readonly number[], rounding: number): string | undefined {
  const at = tokens.findIndex((token, i) => token !== found[i]);
  if (at === -1) return undefined;
  const gap = gaps[at]!(found[at] ?? 0);
  if (gap <= rounding) return undefined;
  return `token ${at} is ${found[at]}, expected ${tokens[at]}, which is better by ${gap.toPrecision(2)}`;
}
