import { basename } from "node:path";
import { loadOrCalibrate, type OpenModel, type OpenModelOptions, openModel } from "@nearfree/calibrate/node";
import { createMemoryStore, NearfreeError, type ProfileStore } from "@nearfree/core";
import { startLoad } from "../calibration/start-load.ts";
import { ARMS, armTokens, plainOfClass, plainTokens } from "./arms.ts";
import { type Golden, readGolden } from "./golden.ts";

/** A start of a process: a profile has to be measured, or is there already; the machine is quiet, or it is not. */
export interface Start {
  readonly loaded: boolean;
  readonly second: boolean;
}

export const STARTS: readonly Start[] = [
  { loaded: false, second: false },
  { loaded: false, second: true },
  { loaded: true, second: false },
  { loaded: true, second: true },
];

export interface CheckOptions {
  /** Default: all of {@link STARTS}. */
  readonly starts?: readonly Start[];
  /** How the arms keep their cache. The reference is always the model's own graph. */
  readonly kvCache?: OpenModelOptions["kvCache"];
}

/** What became of one export. */
export type FolderResult =
  | {
      readonly folder: string;
      readonly outcome: "right";
      readonly kernels: "rounding" | "coarse";
      readonly rows: string;
    }
  | { readonly folder: string; readonly outcome: "refused"; readonly code: string; readonly message: string }
  | { readonly folder: string; readonly outcome: "wrong"; readonly differences: readonly string[] };

/** Small: what is checked is the tokens, not the figures. Too little to decide anything is a case of its own. */
const BUDGET = { forwards: 60, ms: 4000 };
const THREADS = 1;

/**
 * Decodes the golden prompts of an export one position at a time and by every arm, at each start. Right: the plain loop gives the
 * golden tokens, and every arm those of the plain loop of its class; where kernels differ by fp32 rounding alone, all are the same.
 */
export async function checkFolder(
  path: string,
  { starts = STARTS, kvCache }: CheckOptions = {},
): Promise<FolderResult> {
  const folder = basename(path);
  const golden = await readGolden(path);
  const differences: string[] = [];
  try {
    differences.push(...(await comparePlain(path, golden)));
    let rows = "";
    let coarse = false;
    const stores = { quiet: createMemoryStore(), loaded: createMemoryStore() };
    for (const start of starts) {
      const checked = await checkStart(
        path,
        golden,
        { ...start, kvCache },
        start.loaded ? stores.loaded : stores.quiet,
      );
      differences.push(...checked.differences);
      ({ rows, coarse } = checked);
    }
    if (differences.length > 0) return { folder, outcome: "wrong", differences };
    return { folder, outcome: "right", kernels: coarse ? "coarse" : "rounding", rows };
  } catch (error) {
    if (!(error instanceof NearfreeError)) {
      return { folder, outcome: "wrong", differences: [`an error that is no NearfreeError: ${String(error)}`] };
    }
    const { code, message } = error;
    // Refused means before anything was decoded, in one line; what dies later was accepted and wrong.
    const clean = (code === "unsupported-model" || code === "invalid-model") && !message.includes("\n");
    return clean && differences.length === 0
      ? { folder, outcome: "refused", code, message }
      : { folder, outcome: "wrong", differences: [...differences, `${code}: ${message}`] };
  }
}

/** The reference: prompt and text one position at a time. */
async function comparePlain(path: string, golden: Golden): Promise<string[]> {
  const model = await openModel(path, { threads: THREADS, prefillChunk: 1, kvCache: "original" });
  try {
    const differences: string[] = [];
    for (const [i, prompt] of golden.prompts.entries()) {
      const tokens = await plainTokens(model.runner, prompt, golden.tokens[i]!.length);
      differences.push(...difference(`plain, prompt ${i}`, tokens, golden.tokens[i]!));
    }
    return differences;
  } finally {
    await model.release();
  }
}

async function checkStart(path: string, golden: Golden, start: Start & CheckOptions, store: ProfileStore) {
  const model = await openModel(path, { threads: THREADS, kvCache: start.kvCache });
  const stopLoad = start.loaded ? startLoad() : undefined;
  try {
    const { profile } = await loadOrCalibrate(model, { store, budget: BUDGET });
    const { traits } = model;
    // One position at a time runs the kernels of the reference, whatever they are.
    const coarse = traits.coarse !== undefined && model.runner.describe().rowsAtOnce > 1;
    const named = (what: string, i: number) => `${describe(start)}, ${what}, prompt ${i}`;
    const differences: string[] = [];
    for (const [i, prompt] of golden.prompts.entries()) {
      const continuation = await plainOfClass(model.runner, profile, prompt, golden.tokens[i]!.length);
      if (!coarse) differences.push(...difference(named("plain of the class", i), continuation, golden.tokens[i]!));
      for (const arm of ARMS) {
        const tokens = await armTokens(arm, model.runner, profile, { prompt, continuation });
        differences.push(...difference(named(arm.name, i), tokens, continuation));
      }
    }
    return { differences, coarse, rows: rowsOf(model) };
  } finally {
    await stopLoad?.();
    await model.release();
  }
}

function rowsOf({ runner }: OpenModel): string {
  const { rowsAtOnce } = runner.describe();
  return rowsAtOnce === 1 ? "one at a time" : "several";
}

function describe({ loaded, second }: Start): string {
  return `${second ? "second" : "first"} start, ${loaded ? "loaded" : "quiet"}`;
}

function difference(what: string, tokens: readonly number[], expected: readonly number[]): string[] {
  const at = expected.findIndex((token, i) => token !== tokens[i]);
  if (at === -1 && tokens.length === expected.length) return [];
  const place = at === -1 ? expected.length : at;
  return [`${what}: token ${place} is ${tokens[place] ?? "missing"}, expected ${expected[place] ?? "none"}`];
}
