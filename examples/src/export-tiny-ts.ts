import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { NearfreeError } from "@nearfree/core";
import type { AttentionKind, DecoderSpec, DecoderWeights, Quantisation } from "@nearfree/ort-adapter";
import { buildDecoder } from "@nearfree/ort-adapter";
import { isFolder, publishFolder, writeModelFile } from "@nearfree/ort-adapter/node";
import { parseLlamaConfig } from "./llama-config.ts";
import { Safetensors } from "./safetensors.ts";

export const TINY_TS_VARIANTS = ["fp32", "int4", "int8", "fp32-decomposed"] as const;
export type TinyTsVariant = (typeof TINY_TS_VARIANTS)[number];

const VARIANTS: Record<TinyTsVariant, { attention: AttentionKind; quantisation: Quantisation }> = {
  fp32: { attention: "gqa", quantisation: "fp32" },
  int4: { attention: "gqa", quantisation: "int4" },
  int8: { attention: "gqa", quantisation: "int8-dynamic" },
  "fp32-decomposed": { attention: "decomposed", quantisation: "fp32" },
};

const END_OF_TEXT = "<|endoftext|>";

/** Counts changes to the graph that the exporter builds: a new number makes every cached export stale. */
const EXPORT_VERSION = 1;

/**
 * Exports the checkpoint in `source` (`config.json`, `model.safetensors`, `tokenizer.json`) to a folder under `cacheRoot`
 * in the layout of transformers.js, and returns that folder. Its name holds a hash of the checkpoint: what was exported
 * before is found again, and the folder appears whole or not at all.
 * @throws NearfreeError `missing-file`, or `invalid-model` for a checkpoint that does not hold what its config says
 */
export async function exportTinyTs(source: string, cacheRoot: string, variant: TinyTsVariant): Promise<string> {
  const [config, weights, tokenizer] = await Promise.all(
    ["config.json", "model.safetensors", "tokenizer.json"].map((file) => readSource(join(source, file))),
  );
  const hash = createHash("sha256").update(`${EXPORT_VERSION} ${variant} `);
  for (const bytes of [config!, weights!, tokenizer!]) hash.update(bytes);
  const target = join(cacheRoot, `tiny-ts-${variant}-${hash.digest("hex").slice(0, 12)}`);
  if (await isFolder(target)) return target;

  const { shape, eosTokenId } = parseLlamaConfig(join(source, "config.json"), config!);
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
