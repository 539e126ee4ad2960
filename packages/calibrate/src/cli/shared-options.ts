import type { PUBLISHED_DEVICES } from "@nearfree/core/principle";
import { type Command, InvalidArgumentError, Option } from "commander";
import { KV_CACHE_FORMS, type KvCacheForm, type OpenModelOptions } from "../node/examine-model.ts";

/** Commander's parser for options that count something. */
export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError("expected an integer of at least 1.");
  return value;
}

export function nonNegativeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError("expected an integer of at least 0.");
  return value;
}

/** Commander's parser for lists of such: `128,256,512`. */
export function listOf(parse: (text: string) => number): (text: string) => number[] {
  return (text) => text.split(",").map((part) => parse(part.trim()));
}

/** What every command that loads a model takes. */
export interface ModelOptions {
  readonly ep: string;
  readonly threads?: number;
  readonly cache?: string;
  readonly kvCache: KvCacheForm;
}

export function addModelOptions(command: Command): Command {
  return addCacheOption(command)
    .option("--ep <name>", "execution provider: cpu, webgpu, ...", "cpu")
    .option("--threads <n>", "intra-op threads (default: the CPUs that this process may use)", positiveInteger)
    .addOption(
      new Option("--kv-cache <form>", "how the KV cache is kept: the model's own graph, or one rewritten for it")
        .choices(KV_CACHE_FORMS)
        .default("auto"),
    );
}

/** How the model of a command is opened or examined. */
export function openOptions(
  { ep, threads, cache, kvCache }: ModelOptions,
  onWarning: (message: string) => void,
): OpenModelOptions {
  return { executionProvider: ep, threads, cache, kvCache, onWarning };
}

export function addCacheOption(command: Command): Command {
  return command.addOption(
    new Option("--cache <folder>", "where profiles are kept (default: the user's cache folder)").env("NEARFREE_CACHE"),
  );
}

/** Of `PUBLISHED_DEVICES`, which is not loaded to say so. */
export const DEVICE_NAMES = [
  "a100-80gb",
  "h100-sxm",
  "rtx-4090",
  "m1-max",
  "m1-ultra",
] as const satisfies readonly (keyof typeof PUBLISHED_DEVICES)[];

export function addDeviceOption(command: Command): Command {
  const names = DEVICE_NAMES.join(", ");
  return command.addOption(
    new Option("--device <file|name>", `a signature measured elsewhere, or the published figures of one of: ${names}`),
  );
}
