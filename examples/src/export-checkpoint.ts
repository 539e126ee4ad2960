import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { NearfreeError } from "@nearfree/core";
import type { AttentionKind, DecoderSpec, DecoderWeights, Quantisation } from "@nearfree/ort-adapter";
import { buildDecoder } from "@nearfree/ort-adapter";
import { isFolder, publishFolder, writeModelFile } from "@nearfree/ort-adapter/node";
import { parseCheckpointConfig } from "./checkpoint-config.ts";
import { Safetensors } from "./safetensors.ts";

export const EXPORT_VARIANTS = ["fp32", "int4", "int8", "fp32-decomposed"] as const;
export type ExportVariant = (typeof EXPORT_VARIANTS)[number];

/**
 * All but one have fused attention and an in-place cache; `fp32-decomposed` has attention of plain operators, for
 * batches. Mixtures of experts become one MoE a layer, or QMoE in `int4`; `int8` is for dense models alone.
 */
const VARIANTS: Record<ExportVariant, { attention: AttentionKind; quantisation: Quantisation }> = {
  fp32: { attention: "gqa", quantisation: "fp32" },
  int4: { attention: "gqa", quantisation: "int4" },
  int8: { attention: "gqa", quantisation: "int8-dynamic" },
  "fp32-decomposed": { attention: "decomposed", quantisation: "fp32" },
};

const END_OF_TEXT = "<|endoftext|>";

/** Counts changes to the graph that the exporter builds: a new number makes every cached export stale. */
const EXPORT_VERSION = 1;

/** A model as training left it. */
export interface Checkpoint {
  /** Folder with `config.json` and `model.safetensors`; its name becomes the export's. */
  readonly source: string;
  /** Path of its `tokenizer.json`. */
  readonly tokenizer: string;
}

/**
 * Exports a checkpoint to a folder under `cacheRoot` in the layout of transformers.js, and returns that folder. Its name
 * holds a hash of the checkpoint: what was exported before is found again, and the folder appears whole or not at all.
 * @throws NearfreeError `missing-file`, or `invalid-model` for a checkpoint that does not hold what its config says
 */
export async function exportCheckpoint(
  checkpoint: Checkpoint,
  cacheRoot: string,
  variant: ExportVariant,
): Promise<string> {
  const { source } = checkpoint;
  const paths = [join(source, "config.json"), join(source, "model.safetensors"), checkpoint.tokenizer];
  const [config, weights, tokenizer] = await Promise.all(paths.map(readSource));
  const hash = createHash("sha256").update(`${EXPORT_VERSION} ${variant} `);
  for (const bytes of [config!, weights!, tokenizer!]) hash.update(bytes);
  const target = join(cacheRoot, `${basename(source)}-${variant}-${hash.digest("hex").slice(0, 12)}`);
  if (await isFolder(target)) return target;

  const { shape, eosTokenId } = parseCheckpointConfig(join(source, "config.json"), config!);
  const spec: DecoderSpec = { shape, ...VARIANTS[variant] };
  const tensors = new Safetensors(join(source, "model.safetensors"), weights!);
  const model = buildDecoder(spec, weightsFrom(tensors));
  await publishFolder(target, async (folder) => {
    await mkdir(join(folder, "onnx"));
    await writeModelFile(join(folder, "onnx", "model.onnx"), model);
    await writeFile(join(folder, "tokenizer.json"), tokenizer!);
    await writeFile(join(folder, "config.json"), config!);
    await writeJson(join(folder, "tokenizer_config.json"), {
      tokenizer_class: "PreTrainedTokenizerFast",
      bos_token: END_OF_TEXT,
      eos_token: END_OF_TEXT,
      clean_up_tokenization_spaces: false,
      model_max_length: shape.contextLimit,
    });
    await writeJson(join(folder, "generation_config.json"), {
      bos_token_id: eosTokenId,
      eos_token_id: eosTokenId,
      pad_token_id: eosTokenId,
      do_sample: false,
    });
  });
  return target;
}

function weightsFrom(tensors: Safetensors): DecoderWeights {
  return {
    matrix: (name, rows, columns) => ({ rows, columns, read: () => tensors.read(name, [rows, columns]) }),
    vector: (name, length) => tensors.read(name, [length]),
  };
}

async function readSource(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new NearfreeError({
      code: "missing-file",
      from: "examples",
      what: path,
      expected: "a file of the checkpoint",
      received: (cause as NodeJS.ErrnoException).code ?? "an error",
      remedy: "restore it from the repository, or train it by the recipe in examples/models/train",
      cause,
    });
  }
}

async function writeJson(path: string, value: object): Promise<void> {
  await writeFile(path, `${JSON.stringify(value, null, 2)}\n`);
}
