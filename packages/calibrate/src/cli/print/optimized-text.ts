import type { PairedSpeed } from "../../measure/paired-speed.ts";
import type { OptimizedModel, OptimizedStep } from "../../node/optimize/optimize-model.ts";
import type { StepEffect } from "../../node/optimize/step-effect.ts";
import { textTable } from "./text-table.ts";

/** What `optimize` did to the model at `path`, step by step, and where it is. */
export function optimizedText(path: string, { out, weights, steps }: OptimizedModel): string {
  const parts = steps.map(stepText);
  const changed = steps.filter((step) => step.changed);
  if (out === undefined) return [...parts, `nothing changed, nothing written: ${path} stands as it is`].join("\n\n");
  if (changed.length > 1) parts.push("Each step is compared with the original, all steps before it included.");
  const form = changed.find(({ step }) => step === "form");
  if (form !== undefined) parts.push(FED_INPUTS);
  const quantised = changed.some(({ step }) => step === "int4");
  parts.push(`written to ${out}\n${weights === "copied" ? COPIED : quantised ? PARTLY_LINKED : LINKED}`);
  return parts.join("\n\n");
}

const FED_INPUTS =
  "Its presents are the new rows alone, and its past has room behind it: nearfree's runner feeds it so. Programs that\nexpect the original's inputs and outputs (onnxruntime-genai, transformers.js) want --form none.";
const LINKS =
  "What is changed in those files\nchanges here too; where they are deleted or replaced, they stay here as they were. --standalone copies them.";
const LINKED = `Its weights are hard links to the original's files and take no room of their own. ${LINKS}`;
const PARTLY_LINKED = `Its four-bit weights are its own; the others are hard links to the original's files. ${LINKS}`;
const COPIED = "Its weights are copies: nothing of the original is needed any more.";

function stepText({ step, changed, detail, effect }: OptimizedStep): string {
  const head = `${step}: ${changed ? detail : `nothing changed: ${detail}`}`;
  return effect === undefined ? head : `${head}\n${effectText(effect)}`;
}

function effectText({ logits, speed }: StepEffect): string {
  const { largestError, medianError, rows, sameChoice } = logits;
  const table = textTable(
    ["forward", "original", "now", "now / original", "98% interval"],
    speed.map((each) => [
      `${each.rows} ${each.rows === 1 ? "row" : "rows"} at ${each.contextLength}`,
      milliseconds(each.referenceMs),
      milliseconds(each.candidateMs),
      each.ratio.toFixed(2),
      intervalText(each),
    ]),
    { words: [0] },
  );
  return [
    `  logits off by ${shareText(largestError)} of their spread at most, by ${shareText(medianError)} in the middle; ` +
      `${sameChoice} of ${rows} rows choose the same token`,
    ...table.split("\n").map((line) => `  ${line}`),
  ].join("\n");
}

const intervalText = ({ low, high }: PairedSpeed) => `${low.toFixed(2)} to ${high.toFixed(2)}`;
const milliseconds = (ms: number) => `${ms.toPrecision(3)} ms`;
const shareText = (share: number) =>
  share === 0 ? "nothing" : share < 1e-3 ? share.toExponential(1) : share.toPrecision(2);
