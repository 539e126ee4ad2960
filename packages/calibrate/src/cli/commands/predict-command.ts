import { DEFAULT_EPSILON, NearfreeError } from "@nearfree/core";
import { type Prediction, predict } from "@nearfree/core/principle";
import { modelLabel } from "@nearfree/ort-adapter/node";
import type { Command } from "commander";
import { defaultStore } from "../../node/default-store.ts";
import { type ExaminedModel, examineModel } from "../../node/examine-model.ts";
import { knownRouting } from "../../node/known-routing.ts";
import { profileKey } from "../../node/load-or-calibrate.ts";
import { printable } from "../../report/markup.ts";
import { modelName } from "../../report/model-name.ts";
import { limitSentence } from "../../report/prediction-words.ts";
import type { Runs } from "../command-context.ts";
import { predictionTables } from "../print/prediction-tables.ts";
import {
  addDeviceOption,
  addModelOptions,
  type ModelOptions,
  nonNegativeInteger,
  positiveInteger,
} from "../shared-options.ts";
import { findSignature, type SignatureSource } from "../signature-source.ts";

export interface PredictOptions extends ModelOptions {
  readonly context?: number;
  readonly maxPositions?: number;
  readonly device?: string;
}

/** `nearfree predict <model.onnx|folder>` */
export function definePredict(command: Command, runs: Runs): void {
  command.argument("<model>", "an .onnx file, or a model folder; its weights are not read");
  addPredictOptions(command).action(
    runs(async ({ output }, path: string, options: PredictOptions) => {
      const onWarning = (message: string) => output.log.warn(message);
      const model = await examineModel(path, {
        executionProvider: options.ep,
        threads: options.threads,
        onWarning,
        withoutRuntime: true,
      });
      const { cell, model: hash } = profileKey(model, checkedContext(model, options.context));
      const named = { label: modelLabel(model.folder), model: hash };
      const source = await findSignature(model, options.device, options.cache);
      const uniqueExperts = await knownRouting(model.summary, defaultStore({ root: options.cache, onWarning }));
      const prediction = predict(model.summary, source.signature, cell, {
        ...(options.maxPositions && { maxPositions: options.maxPositions }),
        uniqueExperts,
      });
      const sentence = limitSentence(prediction, DEFAULT_EPSILON);
      const { environment } = source.signature;
      const value = { ...named, environment, basis: source.basis, sentence, prediction };
      output.result(value, predictionText(modelName(named), source, prediction, sentence));
    }),
  );
}

/** What `predict` and `advise` take. */
export function addPredictOptions(command: Command): Command {
  command
    .option("--context <n>", "positions in the KV cache (default: 256)", nonNegativeInteger)
    .option("--max-positions <n>", "largest number of positions of interest (default: 64)", positiveInteger);
  return addDeviceOption(addModelOptions(command));
}

/** @throws NearfreeError `context-exceeded` */
export function checkedContext({ contextLimit }: ExaminedModel, context: number | undefined): number | undefined {
  if (context === undefined || context < contextLimit) return context;
  throw new NearfreeError({
    code: "context-exceeded",
    from: "calibrate",
    what: "context",
    expected: `at most ${contextLimit - 1} positions in the cache`,
    received: String(context),
    remedy: "pass a smaller --context",
  });
}

function predictionText(
  name: string,
  { about, signature }: SignatureSource,
  prediction: Prediction,
  sentence: string,
): string {
  const { cell, assumed } = prediction;
  const { executionProvider, threads } = signature.environment;
  return [
    `${name} on ${executionProvider}, ${threads} ${threads === 1 ? "thread" : "threads"}; context ${cell.contextLength}, batch ${cell.batch}`,
    `predicted, not measured; ${about}`,
    "",
    sentence,
    "",
    predictionTables(prediction),
    ...assumed.map((line) => `assumed: ${line}`),
  ]
    .map((line) => line.split("\n").map(printable).join("\n"))
    .join("\n");
}
