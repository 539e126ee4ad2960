import { type Advice, advise, DEFAULT_ACCEPTANCE } from "@nearfree/core/principle";
import { type Command, InvalidArgumentError } from "commander";
import { printable } from "../../report/markup.ts";
import { modelName } from "../../report/model-name.ts";
import { boundaryText, idleText, mechanismName } from "../../report/prediction-words.ts";
import type { Runs } from "../command-context.ts";
import { type PredictOptions, predictionSubject } from "../prediction-subject.ts";
import { textTable } from "../print/text-table.ts";
import type { SignatureSource } from "../signature-source.ts";
import { addPredictOptions } from "./predict-command.ts";

interface AdviseOptions extends PredictOptions {
  readonly acceptance: number;
}

/** `nearfree advise <model.onnx|folder>` */
export function defineAdvise(command: Command, runs: Runs): void {
  command
    .argument("<model>", "an .onnx file, or a model folder; its weights are not read")
    .option(
      "--acceptance <p>",
      "probability that a draft token is accepted, from 0 to below 1",
      share,
      DEFAULT_ACCEPTANCE,
    );
  addPredictOptions(command).action(
    runs(async ({ output }, path: string, options: AdviseOptions) => {
      const { cell, named, source, uniqueExperts } = await predictionSubject(output, path, options);
      const { acceptance, maxPositions } = options;
      const advice = advise(source.summary, source.signature, cell, {
        acceptance,
        ...(maxPositions && { maxPositions }),
        uniqueExperts,
      });
      const value = {
        ...named,
        environment: source.signature.environment,
        basis: source.basis,
        form: source.form,
        cell,
        acceptance,
        advice,
      };
      output.result(value, adviceText(modelName(named), source, acceptance, advice));
    }),
  );
}

function share(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0 && value < 1))
    throw new InvalidArgumentError("expected a number from 0 to below 1.");
  return value;
}

function adviceText(name: string, source: SignatureSource, acceptance: number, advice: readonly Advice[]): string {
  const plain = advice[0]!.plainTokensPerSecond;
  // Without a clock to go by, only ratios say something: a plain loop of the model as it is counts 1.
  const unit =
    source.basis === "kernel-table"
      ? (rate: number) => (rate / plain).toFixed(2)
      : (rate: number) => rate.toPrecision(3);
  const rows = advice.map(({ change, boundary, idleCompute, plainTokensPerSecond, best }) => [
    change,
    boundaryText(boundary),
    idleText(idleCompute),
    unit(plainTokensPerSecond),
    unit(best.tokensPerSecond),
    `${best.positions}`,
    `${(best.tokensPerSecond / plain).toFixed(2)}x`,
    boundary.limit === undefined ? "-" : mechanismName(boundary.limit.mechanism),
  ]);
  const rate = source.basis === "kernel-table" ? "relative" : "tokens/s";
  const head = [
    "change",
    "near-free",
    "idle-compute",
    `plain ${rate}`,
    `best ${rate}`,
    "at n",
    "over plain now",
    "limited by",
  ];
  const assumed = [...new Set(advice.flatMap((each) => each.assumed))].map((line) => `assumed: ${line}`);
  return [
    `${name}, draft tokens accepted with probability ${acceptance}, drafting free; KV cache ${source.form}`,
    `predicted, not measured; ${source.about}`,
    "",
    textTable(head, rows, { words: [0, 7] }),
    ...assumed,
  ]
    .map((line) => line.split("\n").map(printable).join("\n"))
    .join("\n");
}
