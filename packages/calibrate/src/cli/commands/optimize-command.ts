import { NearfreeError } from "@nearfree/core";
import type { AccuracyLevel, OptimizeStep } from "@nearfree/ort-adapter/node";
import { type Command, InvalidArgumentError, Option } from "commander";
import { type OptimizedModel, optimizeModel } from "../../node/optimize/optimize-model.ts";
import type { Runs } from "../command-context.ts";
import { optimizedText } from "../print/optimized-text.ts";
import { positiveInteger } from "../shared-options.ts";

const FORMS = ["lean", "rows", "none"] as const;
/** Accuracy level of new MatMulNBits nodes, as the onnxruntime-genai builder gives it on the CPU. */
const INT8_ACTIVATIONS = 4;
const LEVELS = ["0", "1", "2", "3", "4"] as const;

interface OptimizeOptions {
  readonly out?: string;
  readonly form: (typeof FORMS)[number];
  readonly unpruneHead: boolean;
  readonly accuracyLevel?: (typeof LEVELS)[number];
  readonly int4: boolean;
  readonly blockSize: number;
  readonly standalone: boolean;
  readonly threads?: number;
}

/** `nearfree optimize <model> [--out folder]` */
export function defineOptimize(command: Command, runs: Runs): void {
  command
    .argument("<model>", "an .onnx file, or a model folder")
    .option("--out <folder>", "where it is written (default: <model folder>-nearfree)")
    .addOption(
      new Option("--form <name>", "attention: lean reads its cache once, rows changes no bit, none leaves it")
        .choices(FORMS)
        .default("lean"),
    )
    .option("--unprune-head", "logits of every row, where the head was pruned to the last one", false)
    .addOption(
      new Option("--accuracy-level <n>", "what MatMulNBits computes in: 0 any, 1 fp32, 4 int8 activations").choices(
        LEVELS,
      ),
    )
    .option("--int4", "four-bit weights in place of fp32 ones, rounded to nearest", false)
    .option("--block-size <n>", "of --int4: weights that share a scale: 16, 32, 64, 128 or 256", blockSize, 32)
    .option("--standalone", "copy the weights in place of hard links to the original's", false)
    .option("--threads <n>", "intra-op threads of the comparison (default: the CPUs at hand)", positiveInteger)
    .action(
      runs(async ({ output, signal }, path: string, options: OptimizeOptions) => {
        const { out, standalone, threads } = options;
        const onProgress = (what: string) => {
          output.log.info(what);
          output.progress(what);
        };
        const steps = stepsOf(options);
        const result = await optimizeModel(path, { steps, out, standalone, threads, signal, onProgress });
        requireForm(path, steps, result);
        output.result({ model: path, ...result }, optimizedText(path, result));
      }),
    );
}

/** Commander's parser for what MatMulNBits takes as a block size. */
function blockSize(text: string): number {
  const size = positiveInteger(text);
  if (size < 16 || size > 256 || !Number.isInteger(Math.log2(size))) {
    throw new InvalidArgumentError("expected 16, 32, 64, 128 or 256.");
  }
  return size;
}

/** In the order in which they are done. */
function stepsOf({ form, unpruneHead, accuracyLevel, int4, blockSize: size }: OptimizeOptions): OptimizeStep[] {
  const steps: OptimizeStep[] = [];
  if (unpruneHead) steps.push({ step: "unprune-head" });
  if (form !== "none") steps.push({ step: "form", form });
  const level = accuracyLevel === undefined ? undefined : (Number(accuracyLevel) as AccuracyLevel);
  if (level !== undefined) steps.push({ step: "accuracy-level", level });
  if (int4) steps.push({ step: "int4", blockSize: size, accuracyLevel: level ?? INT8_ACTIVATIONS });
  if (steps.length > 0) return steps;
  throw new NearfreeError({
    code: "invalid-argument",
    from: "calibrate",
    what: "--form none",
    expected: "something to be done",
    received: "nothing",
    remedy: "add --accuracy-level, --int4 or --unprune-head, or leave --form at lean",
  });
}

/** Where nothing but another form was asked for, that there is none is no result. */
function requireForm(path: string, steps: readonly OptimizeStep[], { out, steps: [first] }: OptimizedModel): void {
  if (out !== undefined || steps.some(({ step }) => step !== "form")) return;
  throw new NearfreeError({
    code: "unsupported-model",
    from: "calibrate",
    what: path,
    expected: "attention that can be written anew",
    received: first!.detail,
    remedy: "run the model as it is",
  });
}
