import { mkdir } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { externalLocations } from "../../onnx/external-locations.ts";
import type { KvSizes } from "../../onnx/graph/classify-io.ts";
import { openModelFiles } from "../../onnx/read/file-source.ts";
import { readModel } from "../../onnx/read/reader.ts";
import { DataFile } from "../../onnx/write/data-file.ts";
import { writeRewrite } from "../write-rewrite.ts";
import { applySteps } from "./apply-steps.ts";
import { copyCompanions } from "./companion-files.ts";
import { copyWeights } from "./copy-weights.ts";
import type { OptimizeStep, StepOutcome } from "./optimize-step.ts";
import { findProducts, int4Outcome, quantiseProducts } from "./quantise-products.ts";

/** Where the weights of a variant are: in the original's files, hard-linked, or in one of its own. */
export type VariantWeights = "linked" | "copied";

/** The model that a variant is made of: see `ModelFolder`. */
export interface VariantSource {
  readonly modelPath: string;
  /** Where config and tokenizer are: around the model's file. */
  readonly folder: string;
  /** Sizes of the KV cache, where the graph has symbols. */
  readonly kvSizes?: KvSizes | undefined;
}

export interface VariantOptions {
  /** Default `linked`. */
  readonly weights?: VariantWeights;
  readonly signal?: AbortSignal | undefined;
  /** Told of each matrix that is quantised: how many are done, of how many. */
  readonly onQuantised?: ((done: number, of: number) => void) | undefined;
}

export interface Variant {
  /** Of each step. */
  readonly outcomes: readonly StepOutcome[];
}

/**
 * Writes the model with `steps` applied into `target`, an empty folder, in the layout of the original: its graph under the same name, its
 * weights, and copies of the configurations and tokenizers beside it. `int4` comes last, whatever its place. Of weights that are copied
 * or quantised, 16 MB or a block of every row is in memory at a time, and the result of one matrix.
 *
 * @throws NearfreeError `missing-file`, `invalid-model`, `aborted`, `unsupported-model` as {@link applySteps}; what the file system says
 *   passes through: `EXDEV`, `EPERM` where weights cannot be linked.
 */
export async function writeVariant(
  folder: VariantSource,
  steps: readonly OptimizeStep[],
  target: string,
  { weights = "linked", signal, onQuantised }: VariantOptions = {},
): Promise<Variant> {
  const source = folder.modelPath;
  const files = openModelFiles(source);
  try {
    const graphSteps = steps.filter((step) => step.step !== "int4");
    const { model, outcomes } = applySteps(readModel(files), files, graphSteps, folder.kvSizes);
    const place = join(target, relative(folder.folder, dirname(source)));
    await mkdir(place, { recursive: true });
    const int4 = steps.find((step) => step.step === "int4");
    const found = int4 && findProducts(model);
    const products = found?.products ?? [];
    const fileName = basename(source);
    const taken = externalLocations(model.graph);
    const ownAs = freeLocation(fileName, taken);
    const copied = weights === "copied";
    const location = freeLocation(fileName, copied ? new Set() : new Set([...taken, ownAs]));
    let written = model;
    if (copied || products.length > 0) {
      written = await DataFile.write(join(place, location), async (data) => {
        const quantised = int4
          ? await quantiseProducts(model, files, data, { ...int4, products, signal, onQuantised })
          : model;
        const whole = copied ? await copyWeights(quantised, files, data, signal) : quantised;
        await data.sync();
        return whole;
      });
    }
    await writeRewrite(written, { source, files, folder: place, fileName, ownAs, present: new Set([location]) });
    await copyCompanions(folder.folder, target);
    return { outcomes: found ? [...outcomes, int4Outcome(found, int4!.blockSize)] : outcomes };
  } finally {
    files.close();
  }
}

/** A name for a file of weights that is not taken: `model.onnx_data`, `model.onnx_data_1`, as transformers.js has them. */
function freeLocation(fileName: string, taken: ReadonlySet<string>): string {
  const first = `${fileName}_data`;
  for (let i = 0; ; i++) {
    const name = i === 0 ? first : `${first}_${i}`;
    if (!taken.has(name)) return name;
  }
}
