import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Environment, Runner } from "@nearfree/core";
import { defaultCacheRoot, publishFile } from "@nearfree/core/fs-store";
import { hashOf } from "@nearfree/core/measure";
import { compareRunners, REWRITE_VERSION, type RowTraits } from "@nearfree/ort-adapter";
import { rewriteModelFile, rowConfig, summarizeFile } from "@nearfree/ort-adapter/node";
import { NO_CACHE_FOLDER } from "./default-store.ts";
import type { ExaminedModel, OpenModelOptions } from "./examine-model.ts";

/** The forms of a KV cache that want another graph; see docs/attention.md. */
export type RewrittenForm = "rows" | "lean";

/** A model with a graph rewritten for its KV cache. */
export interface RewrittenModel {
  readonly form: RewrittenForm;
  readonly path: string;
  readonly traits: RowTraits;
  /** With the form and its version: kernels and their cost are others. */
  readonly environment: Environment;
}

/** What was found when the rewrite ran beside the original. */
interface Proof {
  readonly fault?: string | undefined;
  readonly largestError: number;
}

/** The model's rewrite in `form`, or undefined, and a warning why, where it cannot be had. */
export async function rewrittenModel(
  { folder, environment, sessionOptions }: ExaminedModel,
  form: RewrittenForm,
  { cache, onWarning }: Pick<OpenModelOptions, "cache" | "onWarning">,
): Promise<RewrittenModel | undefined> {
  const refuse = (reason: string) => onWarning?.(`${folder.modelPath}: the original graph runs: ${reason}`);
  const [provider] = sessionOptions.executionProviders as string[];
  if (provider !== "cpu") return void refuse(`on ${provider} the cache stays on the device`);
  const root = cache ?? defaultCacheRoot();
  if (root === undefined) return void refuse(NO_CACHE_FOLDER);
  const rewrite = await rewriteModelFile(folder.modelPath, join(root, "rewrites"), {
    sizes: folder.kvSizes,
    most: form,
  });
  if (rewrite.form === "none") return void refuse(rewrite.reason);
  const { traits } = summarizeFile(rewrite.path, rowConfig(folder));
  const options = { ...environment.options, kvCache: rewrite.form, rewrite: REWRITE_VERSION };
  return { form: rewrite.form, path: rewrite.path, traits, environment: { ...environment, options } };
}

/**
 * Whether the rewrite gives the logits of the original in this environment: known from an earlier start, or found out by running both.
 * `open` makes the runner of the original.
 */
export async function proveRewrite(
  { path, environment }: RewrittenModel,
  traits: RowTraits,
  candidate: Runner,
  open: () => Promise<{ readonly runner: Runner; release(): Promise<void> }>,
): Promise<Proof> {
  const file = join(dirname(path), `proof-${hashOf(environment).slice(0, 16)}.json`);
  const known = await readProof(file);
  if (known !== undefined) return known;
  const original = await open();
  try {
    const { fault, largestError } = await compareRunners(original.runner, candidate, traits);
    const proof = { largestError, ...(fault !== undefined && { fault }) };
    await keepProof(file, proof);
    return proof;
  } finally {
    await original.release();
  }
}

async function readProof(file: string): Promise<Proof | undefined> {
  try {
    const proof = JSON.parse(await readFile(file, "utf8")) as Partial<Proof>;
    if (typeof proof.largestError !== "number") return undefined;
    return { largestError: proof.largestError, ...(typeof proof.fault === "string" && { fault: proof.fault }) };
  } catch {
    return undefined;
  }
}

/** Where it cannot be kept, the next start runs both again. */
async function keepProof(file: string, proof: Proof): Promise<void> {
  await publishFile(file, JSON.stringify(proof)).catch(() => {});
}
