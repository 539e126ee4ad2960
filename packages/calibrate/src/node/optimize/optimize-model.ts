import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { NearfreeError } from "@nearfree/core";
import { throwIfAborted } from "@nearfree/core/measure";
import { compareRunners } from "@nearfree/ort-adapter";
import {
  type ModelFolder,
  type OptimizeStep,
  publishFolder,
  removeAbandoned,
  resolveModelFolder,
  rowConfig,
  type StepOutcome,
  summarizeFile,
  type VariantWeights,
  whyUnwritable,
  writeVariant,
} from "@nearfree/ort-adapter/node";
import { prunedHead } from "../examine-model.ts";
import { type OpenModel, openModel } from "../open-model.ts";
import { type StepEffect, type StepEffectOptions, stepEffect } from "./step-effect.ts";
import { NOTE, NOTE_KIND, type TargetFolder, targetFolder } from "./target-folder.ts";

export interface OptimizeModelOptions {
  /** Done in this order; `int4`, where it is among them, is the last. */
  readonly steps: readonly OptimizeStep[];
  /** Default: `<model folder>-nearfree`. */
  readonly out?: string | undefined;
  /** Copies the weights in place of linking them. Default false. */
  readonly standalone?: boolean | undefined;
  readonly threads?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told, in a few words, of what is begun. */
  readonly onProgress?: ((what: string) => void) | undefined;
}

/** A step, and what the model does differently after it and all before it. */
export interface OptimizedStep extends StepOutcome {
  /** Absent where the step changed nothing. */
  readonly effect?: StepEffect;
}

export interface OptimizedModel {
  /** The folder; undefined where no step changed anything, and nothing was written. */
  readonly out: string | undefined;
  readonly weights: VariantWeights;
  readonly steps: readonly OptimizedStep[];
}

/** Folder of what is only written to be compared, inside the one that is filled. */
const TRIALS = ".trials";
/** Takes the rounding of activations out of MatMulNBits: what then differs is no rounding. */
const IN_FP32: OptimizeStep = { step: "accuracy-level", level: 1 };
/** Steps that keep the logits, but for rounding. */
const LOSSLESS: ReadonlySet<OptimizeStep["step"]> = new Set(["unprune-head", "form"]);

/**
 * Writes the model at `path`, with `steps` applied, as a folder in the layout of the original, and runs both side by side after each step.
 * The folder is there whole or not at all.
 *
 * @throws NearfreeError as `openModel`; `invalid-argument` for an `out` that cannot be; `unsupported-model` for a step that cannot be, or
 *   whose logits are wrong; `store-unwritable`; `aborted`.
 */
export async function optimizeModel(path: string, options: OptimizeModelOptions): Promise<OptimizedModel> {
  const { standalone = false, signal } = options;
  const weights = standalone ? "copied" : "linked";
  const folder = await resolveModelFolder(path);
  const target = await targetFolder(folder, options.out);
  const unpruned = options.steps.some(({ step }) => step === "unprune-head");
  if (!unpruned && isPruned(folder)) throw prunedHead(folder.modelPath);
  await removeAbandoned(target.path);
  throwIfAborted(signal, "optimize");
  let steps: readonly OptimizedStep[] = [];
  try {
    await publishFolder(
      target.path,
      async (temporary) => {
        steps = await fill(temporary, folder, weights, options);
        await writeFile(join(temporary, NOTE), `${JSON.stringify({ kind: NOTE_KIND, version: 1, weights, steps })}\n`);
      },
      target,
    );
  } catch (error) {
    if (error instanceof NothingChanged) return { out: undefined, weights, steps: error.outcomes };
    if (signal?.aborted) throw aborted(error);
    throw toUnwritable(error, target, weights);
  }
  return { out: target.path, weights, steps };
}

function isPruned(folder: ModelFolder): boolean {
  return summarizeFile(folder.modelPath, rowConfig(folder)).logitsRows === "last";
}

/** No step changed anything: there is nothing to write. */
class NothingChanged extends Error {
  readonly outcomes: readonly StepOutcome[];

  constructor(outcomes: readonly StepOutcome[]) {
    super("nothing changed");
    this.outcomes = outcomes;
  }
}

async function fill(
  temporary: string,
  folder: ModelFolder,
  weights: VariantWeights,
  { steps, threads, signal, onProgress }: OptimizeModelOptions,
): Promise<readonly OptimizedStep[]> {
  onProgress?.("writing the model");
  const { outcomes } = await writeVariant(folder, steps, temporary, {
    weights,
    signal,
    onQuantised: (done, of) => onProgress?.(`quantised ${done} of ${of} matrices`),
  });
  const last = outcomes.findLastIndex(({ changed }) => changed);
  if (last < 0) throw new NothingChanged(outcomes);
  const trials = join(temporary, TRIALS);
  const open = (place: string) => openModel(place, { threads, kvCache: "original", onWarning: () => {} });
  const trial = async (name: string, some: readonly OptimizeStep[]) => {
    await writeTrial(folder, some, join(trials, name));
    return open(join(trials, name));
  };
  throwIfAborted(signal, "optimize");
  onProgress?.("opening the original");
  const before: readonly OptimizeStep[] = isPruned(folder) ? [{ step: "one-token" }] : [];
  const original = await (before.length > 0 ? trial("original", before) : open(folder.modelPath));
  try {
    const done: OptimizedStep[] = [];
    for (const [i, outcome] of outcomes.entries()) {
      throwIfAborted(signal, "optimize");
      if (!outcome.changed) done.push(outcome);
      else {
        onProgress?.(`comparing ${outcome.step}`);
        const some = steps.slice(0, i + 1);
        const candidate = i === last ? await open(temporary) : await trial(String(i), some);
        const onlyRounding = async () => {
          const plain = await trial("plain-original", [...before, IN_FP32]);
          return agree(plain, await trial(`plain-${i}`, [...some, IN_FP32]));
        };
        done.push({ ...outcome, effect: await effectOf(original, candidate, outcome, { onlyRounding, signal }) });
      }
    }
    return done;
  } finally {
    await original.release();
    await rm(trials, { recursive: true, force: true });
  }
}

async function effectOf(
  original: OpenModel,
  candidate: OpenModel,
  { step, detail }: StepOutcome,
  options: Pick<StepEffectOptions, "onlyRounding" | "signal">,
): Promise<StepEffect> {
  try {
    return await stepEffect(original.runner, candidate.runner, {
      traits: original.traits,
      contextLimit: original.folder.contextLimit,
      lossless: LOSSLESS.has(step),
      what: `${step} (${detail})`,
      ...options,
    });
  } finally {
    await candidate.release();
  }
}

/** Whether two models without coarse kernels have the same logits but for rounding. Releases both. */
async function agree(original: OpenModel, candidate: OpenModel): Promise<boolean> {
  try {
    const traits = { ...original.traits, coarse: undefined };
    return (await compareRunners(original.runner, candidate.runner, traits)).fault === undefined;
  } finally {
    await original.release();
    await candidate.release();
  }
}

/** What is only compared is linked where it can be. */
async function writeTrial(folder: ModelFolder, steps: readonly OptimizeStep[], place: string): Promise<void> {
  try {
    await mkdir(place, { recursive: true });
    await writeVariant(folder, steps, place, { weights: "linked" });
  } catch (error) {
    if (whyUnwritable(error, place) === undefined) throw error;
    await rm(place, { recursive: true, force: true });
    await mkdir(place, { recursive: true });
    await writeVariant(folder, steps, place, { weights: "copied" });
  }
}

function aborted(cause: unknown): NearfreeError {
  return new NearfreeError({
    code: "aborted",
    from: "calibrate",
    what: "optimize",
    expected: "to run to its end",
    received: "an abort",
    remedy: "nothing was written: start again",
    cause,
  });
}

/** What the file system refused, with the way out. Other errors as they are. */
function toUnwritable(error: unknown, { path }: TargetFolder, weights: VariantWeights): unknown {
  const received = whyUnwritable(error, path);
  if (received === undefined) return error;
  const code = (error as NodeJS.ErrnoException).code;
  const linking = weights === "linked" && ["EXDEV", "EPERM", "ENOTSUP", "EMLINK"].includes(code ?? "");
  return new NearfreeError({
    code: "store-unwritable",
    from: "calibrate",
    what: path,
    expected: linking ? "hard links to the model's weights" : "a folder that can be written",
    received,
    remedy: linking
      ? "copy the weights with --standalone, or name another folder with --out"
      : "name another folder with --out",
    cause: error,
  });
}
