import { fileURLToPath } from "node:url";
import { type Checkpoint, type ExportVariant, exportCheckpoint } from "./export-checkpoint.ts";

/** Checkpoints in the repository: a model, one that drafts for it, and one with mixtures of experts. */
export const BUNDLED_MODELS = ["tiny-ts", "tiny-ts-draft", "tiny-ts-moe"] as const;
export type BundledModel = (typeof BUNDLED_MODELS)[number];

/** Where exports go unless the caller says otherwise. */
export const EXPORT_CACHE = fileURLToPath(new URL("../.cache/", import.meta.url));

/** Path of the `tokenizer.json` that all of them share. */
export const BUNDLED_TOKENIZER = pathOf("tiny-ts/tokenizer.json");

/** Where a bundled checkpoint is. */
export function bundledCheckpoint(name: BundledModel): Checkpoint {
  return { source: pathOf(name), tokenizer: BUNDLED_TOKENIZER };
}

/** The folder of a bundled model in the layout of transformers.js, exported on first use. @throws as exportCheckpoint does */
export function bundledModel(name: BundledModel, variant: ExportVariant, cacheRoot = EXPORT_CACHE): Promise<string> {
  return exportCheckpoint(bundledCheckpoint(name), cacheRoot, variant);
}

function pathOf(path: string): string {
  return fileURLToPath(new URL(`../models/${path}`, import.meta.url));
}
