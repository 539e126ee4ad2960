import { NearfreeError, type Profile, type ProfileStore, profileStanding } from "@nearfree/core";
import { type Command, Option } from "commander";
import { calibrationTokens } from "../../node/calibration-probe.ts";
import { defaultStore } from "../../node/default-store.ts";
import { knownRouting } from "../../node/known-routing.ts";
import {
  type LoadedProfile,
  type LoadOrCalibrateOptions,
  loadOrCalibrate,
  profileKey,
} from "../../node/load-or-calibrate.ts";
import { loadOrCalibrateGrid } from "../../node/load-or-calibrate-grid.ts";
import { measureRouting, ROUTING_TOKENS } from "../../node/measure-routing.ts";
import { type OpenModel, openModel } from "../../node/open-model.ts";
import type { CommandContext, Runs } from "../command-context.ts";
import { gridTable } from "../print/grid-table.ts";
import { generateLine, nextStep } from "../print/next-step.ts";
import { profileText } from "../print/profile-text.ts";
import { reportProgress } from "../print/progress.ts";
import {
  addModelOptions,
  listOf,
  type ModelOptions,
  nonNegativeInteger,
  openOptions,
  positiveInteger,
} from "../shared-options.ts";

interface CalibrateCommandOptions extends ModelOptions {
  readonly context?: number;
  readonly contexts?: readonly number[];
  readonly batches?: readonly number[];
  readonly maxPositions?: number;
  readonly forwards?: number;
  readonly fresh: boolean;
  readonly routing: boolean;
}

const RULE = `\n\n${"─".repeat(80)}\n\n`;

/** `nearfree calibrate <model.onnx|folder>` */
export function defineCalibrate(command: Command, runs: Runs): void {
  command
    .argument("<model>", "an .onnx file, or a model folder (transformers.js, optimum or onnxruntime-genai layout)")
    .option("--context <n>", "positions in the KV cache while measuring (default: 256)", nonNegativeInteger)
    .addOption(
      new Option("--contexts <n,n,...>", "a profile for each of these, every one from what its neighbours tell")
        .argParser(listOf(nonNegativeInteger))
        .conflicts("context"),
    )
    .addOption(
      new Option("--batches <n,n,...>", "for each of these numbers of sequences in one forward (default: 1)").argParser(
        listOf(positiveInteger),
      ),
    )
    .option("--max-positions <n>", "largest number of positions of interest (default: 64)", positiveInteger)
    .option("--forwards <n>", "most timed forwards of a profile (default: 240)", positiveInteger)
    .option("--fresh", "measure even if a profile is cached", false)
    .option(
      "--routing",
      "of a mixture of experts also which experts real text wakes, for predictions; loads the model a second time",
      false,
    );
  addModelOptions(command).action(
    runs(async (context, path: string, options: CalibrateCommandOptions) => {
      const { output } = context;
      const onWarning = (message: string) => output.log.warn(message);
      output.progress("loading the model");
      const model = await openModel(path, openOptions(options, onWarning));
      try {
        const isGrid = options.contexts !== undefined || options.batches !== undefined;
        await (isGrid ? calibrateCells(context, model, options) : calibrateCell(context, model, path, options));
      } finally {
        await model.release();
      }
    }),
  );
}

async function calibrateCell(
  { output, signal }: CommandContext,
  model: OpenModel,
  path: string,
  options: CalibrateCommandOptions,
): Promise<void> {
  const warnings: string[] = [];
  const store = defaultStore({ root: options.cache, onWarning: (message) => output.log.warn(message) });
  const loaded = await loadOrCalibrate(model, {
    ...measuring(options, warnings),
    store,
    contextLength: options.context,
    signal,
    onEvent: reportProgress(output),
  });
  const { profile, origin, storeError } = loaded;
  const found = origin === "cached" ? "found in the cache, nothing measured; --fresh measures again\n" : "";
  for (const message of warnings) output.log.warn(message);
  const routed = await withRouting(output, model, options, store, [profile]);
  const next = nextStep(routed, {
    generate: model.codec && options.context === undefined ? generateLine(path, options) : undefined,
  });
  // A cache that cannot be written loses nothing of what was measured: it is said in one line, once.
  if (!storeError) await storeRouting(output, store, [profile], routed);
  const value = { origin, stored: isStored(loaded), profile: routed[0] };
  output.result(value, `${found}${profileText(routed[0]!)}\n\n${next}`);
}

async function calibrateCells(
  { output, signal }: CommandContext,
  model: OpenModel,
  options: CalibrateCommandOptions,
): Promise<void> {
  const { contexts = [profileKey(model, options.context).cell.contextLength], batches = [1] } = options;
  const count = new Set(contexts).size * new Set(batches).size;
  const warnings: string[] = [];
  const loaded: LoadedProfile[] = [];
  const store = defaultStore({ root: options.cache, onWarning: (message) => output.log.warn(message) });
  const grid = loadOrCalibrateGrid(model, {
    ...measuring(options, warnings),
    store,
    contexts,
    batches,
    signal,
    onEvent: reportProgress(output, { cellsAfter: () => count - loaded.length - 1 }),
  });
  try {
    for await (const cell of grid) loaded.push(cell);
  } catch (error) {
    const cells = loaded.map(({ origin, profile }) => ({ origin, profile }));
    if (cells.length > 0) output.partial({ cells }, cells.map(({ profile }) => profileText(profile)).join(RULE));
    throw error;
  }
  const cellOf = ({ profile }: LoadedProfile) => profile.key.cell;
  loaded.sort((a, b) => cellOf(a).batch - cellOf(b).batch || cellOf(a).contextLength - cellOf(b).contextLength);
  const storeError = loaded.find((cell) => cell.storeError)?.storeError;
  const unstored = new Set(loaded.map((cell) => cell.storeError?.message));
  for (const message of new Set(warnings)) if (!unstored.has(message)) output.log.warn(message);
  if (storeError) output.log.warn(storeError.message);
  const measured = loaded.map(({ profile }) => profile);
  const profiles = await withRouting(output, model, options, store, measured);
  if (!storeError) await storeRouting(output, store, measured, profiles);
  output.result(
    { cells: loaded.map((cell, i) => ({ origin: cell.origin, stored: isStored(cell), profile: profiles[i] })) },
    [...profiles.map(profileText), `${gridTable(profiles)}\n\n${nextStep(profiles, {})}`].join(RULE),
  );
}

/** The profiles with the model's routing where `--routing` asks for it: as another cell has it, or measured once for all. */
async function withRouting(
  output: CommandContext["output"],
  model: OpenModel,
  { routing }: CalibrateCommandOptions,
  store: ProfileStore,
  profiles: readonly Profile[],
): Promise<readonly Profile[]> {
  if (!routing || profiles.every((profile) => profile.uniqueExperts)) return profiles;
  output.progress("measuring the routing");
  const uniqueExperts =
    (await knownRouting(model.summary, store)) ??
    (await measureRouting(model.folder.modelPath, {
      tokens: calibrationTokens(model, Math.min(ROUTING_TOKENS, model.contextLimit)),
      sessionOptions: model.sessionOptions,
      ioNames: model.folder.ioNames,
    }));
  if (uniqueExperts === undefined) {
    output.log.warn("--routing: the model has no fused mixture of experts, nothing to measure");
    return profiles;
  }
  return profiles.map((profile) => ({ ...profile, uniqueExperts }));
}

function isStored({ profile, storeError }: LoadedProfile): boolean {
  return storeError === undefined && profileStanding(profile) !== "unresolved";
}

/** Stores those of `routed` that gained something. */
async function storeRouting(
  output: CommandContext["output"],
  store: ProfileStore,
  before: readonly Profile[],
  routed: readonly Profile[],
): Promise<void> {
  try {
    for (const [i, profile] of routed.entries())
      if (profile !== before[i] && profileStanding(profile) !== "unresolved") await store.put(profile);
  } catch (error) {
    if (!(error instanceof NearfreeError && error.code === "store-unwritable")) throw error;
    output.log.warn(error.message);
  }
}

function measuring(
  { fresh, maxPositions, forwards }: CalibrateCommandOptions,
  warnings: string[],
): Pick<LoadOrCalibrateOptions, "onWarning" | "fresh" | "maxPositions" | "budget"> {
  return {
    onWarning: (message) => warnings.push(message),
    fresh,
    ...(maxPositions && { maxPositions }),
    ...(forwards && { budget: { forwards } }),
  };
}
