import type { Command } from "commander";
import { defaultStore } from "../node/default-store.ts";
import { loadOrCalibrate } from "../node/load-or-calibrate.ts";
import { openModel } from "../node/open-model.ts";
import type { Runs } from "./main.ts";
import { profileText } from "./profile-text.ts";
import { reportProgress } from "./progress.ts";
import { addModelOptions, type ModelOptions, nonNegativeInteger, positiveInteger } from "./shared-options.ts";

interface CalibrateCommandOptions extends ModelOptions {
  readonly context?: number;
  readonly maxPositions?: number;
  readonly forwards?: number;
  readonly fresh: boolean;
}

/** `nearfree calibrate <model.onnx|folder>` */
export function registerCalibrate(program: Command, runs: Runs): void {
  const command = program
    .command("calibrate")
    .description("measure how many positions the model carries for almost the price of one, and keep the profile")
    .argument("<model>", "an .onnx file, or a model folder (transformers.js, optimum or onnxruntime-genai layout)")
    .option("--context <n>", "positions in the KV cache while measuring (default: 256)", nonNegativeInteger)
    .option("--max-positions <n>", "largest number of positions of interest (default: 64)", positiveInteger)
    .option("--forwards <n>", "most timed forwards (default: 240)", positiveInteger)
    .option("--fresh", "measure even if a profile is cached", false);
  addModelOptions(command).action(
    runs(async ({ output, signal }, path: string, options: CalibrateCommandOptions) => {
      const onWarning = (message: string) => output.log.warn(message);
      output.progress("loading the model");
      const model = await openModel(path, { executionProvider: options.ep, threads: options.threads, onWarning });
      const warnings: string[] = [];
      try {
        const { profile, origin, storeError } = await loadOrCalibrate(model, {
          store: defaultStore({ root: options.cache, onWarning }),
          onWarning: (message) => warnings.push(message),
          contextLength: options.context,
          fresh: options.fresh,
          signal,
          onEvent: reportProgress(output),
          ...(options.maxPositions && { maxPositions: options.maxPositions }),
          ...(options.forwards && { budget: { forwards: options.forwards } }),
        });
        const found = origin === "cached" ? "found in the cache, nothing measured; --fresh measures again\n" : "";
        for (const message of warnings) if (message !== storeError?.message) onWarning(message);
        output.result({ origin, profile }, found + profileText(profile));
        // The measurement is shown first: a cache that cannot be written loses nothing.
        if (storeError) throw storeError;
      } finally {
        await model.release();
      }
    }),
  );
}
