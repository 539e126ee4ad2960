import { DEFAULT_EPSILON } from "@nearfree/core";
import { type Prediction, predict } from "@nearfree/core/principle";
import type { Command } from "commander";
import { printable } from "../../report/markup.ts";
import { modelName } from "../../report/model-name.ts";
import { limitSentence } from "../../report/prediction-words.ts";
import type { Runs } from "../command-context.ts";
import { type PredictOptions, predictionSubject } from "../prediction-subject.ts";
import { predictionTables } from "../print/prediction-tables.ts";
import { addDeviceOption, addModelOptions, nonNegativeInteger, positiveInteger } from "../shared-options.ts";
import type { SignatureSource } from "../signature-source.ts";

/** `nearfree predict <model.onnx|folder>` */
export function definePredict(command: Command, runs: Runs): void {
  command.argument("<model>", "an .onnx file, or a model folder; its weights are not read");
  addPredictOptions(command).action(
    runs(async ({ output }, path: string, options: PredictOptions) => {
      const { cell, named, source, uniqueExperts } = await predictionSubject(output, path, options);
      const prediction = predict(source.summary, source.signature, cell, {
        ...(options.maxPositions && { maxPositions: options.maxPositions }),
        uniqueExperts,
      });
      const sentence = limitSentence(prediction, DEFAULT_EPSILON);
      const { environment } = source.signature;
      const { basis, form } = source;
      const value = { ...named, environment, basis, form, sentence, prediction };
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

function predictionText(
  name: string,
  { about, signature, form }: SignatureSource,
  prediction: Prediction,
  sentence: string,
): string {
  const { cell, assumed } = prediction;
  const { executionProvider, threads } = signature.environment;
  return [
    `${name} on ${executionProvider}, ${threads} ${threads === 1 ? "thread" : "threads"}; context ${cell.contextLength}, batch ${cell.batch}, KV cache ${form}`,
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
