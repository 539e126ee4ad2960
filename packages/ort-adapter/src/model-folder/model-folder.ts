import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { NearfreeError } from "@nearfree/core";
import type { KvSizes } from "../onnx/graph/classify-io.ts";
import { insideFolder } from "../onnx/read/inside-folder.ts";
import type { IoTemplates } from "../runner/io-templates.ts";
import { type EndOfText, findEndOfText, idsOf } from "./end-of-text.ts";
import { type GenaiConfig, readGenaiConfig } from "./genai-config.ts";
import { notGreedy } from "./generation-settings.ts";
import { type JsonObject, numberIn, objectIn, readJsonObject } from "./json-file.ts";
import { readKvSizes } from "./kv-sizes.ts";

/** A model on disk: its graph, and what the files beside it say. */
export interface ModelFolder {
  readonly modelPath: string;
  /** Where config and tokenizer are. */
  readonly folder: string;
  /** config.json as it is. */
  readonly config?: JsonObject | undefined;
  /** genai_config.json as it is. */
  readonly genaiConfig?: JsonObject | undefined;
  readonly tokenizerPath?: string | undefined;
  /** Most positions that the model was made for; undefined where no file says. */
  readonly contextLimit: number | undefined;
  /** Tokens that end a text, by any of the files; empty where none says. */
  readonly eosTokenIds: readonly number[];
  /** Which of them each file names. */
  readonly endOfText: readonly EndOfText[];
  /** What generation_config.json, or genai_config.json, asks for that greedy decoding does not do: `temperature 0.6`. */
  readonly notGreedy: readonly string[];
  /** Names of inputs and outputs, where genai_config.json gives them. */
  readonly ioNames?: Partial<IoTemplates> | undefined;
  /** Sizes of the KV cache, where a file gives them: a graph may leave them open. */
  readonly kvSizes?: KvSizes | undefined;
}

/** Keys under which configurations of different families keep the context length. */
const CONTEXT_KEYS = [
  "max_position_embeddings",
  "n_positions",
  "n_ctx",
  "max_sequence_length",
  "seq_length",
  "max_seq_len",
];

/**
 * Finds the model that a user means by `path`: an .onnx file, or a folder in the layout of transformers.js
 * (`onnx/model.onnx`), optimum (`model.onnx`) or onnxruntime-genai (`genai_config.json`).
 *
 * @throws NearfreeError `missing-file` where there is no model, `invalid-argument` where a folder has several and none is
 *   called model.onnx, `invalid-model` for configuration files that cannot be read.
 */
export async function resolveModelFolder(path: string): Promise<ModelFolder> {
  const kind = await kindOf(path);
  if (kind === undefined) throw missing(path, "an .onnx file or a model folder", "no such file or folder");
  if (kind === "file") return describeFile(path);
  const genai = await readGenaiConfig(path);
  if (genai !== undefined) {
    const modelPath = join(path, insideFolder(join(path, "genai_config.json"), genai.fileName));
    if ((await kindOf(modelPath)) !== "file")
      throw missing(modelPath, "the file that genai_config.json names", "no such file");
    return { ...(await describe(modelPath, path, genai)), ...genai.described };
  }
  return describe(await chooseModel(path), path, genai);
}

/** A file given by itself: the folder around it still holds its configuration. */
async function describeFile(modelPath: string): Promise<ModelFolder> {
  if (!modelPath.endsWith(".onnx")) {
    throw new NearfreeError({
      code: "invalid-argument",
      from: "ort-adapter",
      what: modelPath,
      expected: "an .onnx file or a model folder",
      received: "a file of another kind",
      remedy: "give the model's folder, or the .onnx file in it",
    });
  }
  const parent = dirname(modelPath);
  const above = dirname(parent);
  const inOnnxFolder = basename(parent) === "onnx" && (await kindOf(join(above, "config.json"))) === "file";
  const folder = inOnnxFolder ? above : parent;
  const genai = await readGenaiConfig(folder);
  const described = await describe(modelPath, folder, genai);
  return genai?.fileName === basename(modelPath) ? { ...described, ...genai.described } : described;
}

/** `model.onnx` in `onnx/` or at the root, else the only .onnx file of the folder. */
async function chooseModel(folder: string): Promise<string> {
  for (const place of [join(folder, "onnx"), folder]) {
    if ((await kindOf(place)) !== "folder") continue;
    const choices = (await namesIn(place)).filter((name) => name.endsWith(".onnx")).sort();
    if (choices.includes("model.onnx")) return join(place, "model.onnx");
    if (choices.length === 1) return join(place, choices[0]!);
    if (choices.length > 1) {
      throw new NearfreeError({
        code: "invalid-argument",
        from: "ort-adapter",
        what: place,
        expected: "model.onnx or a single .onnx file",
        received: choices.join(", "),
        remedy: "give the path of one of them",
      });
    }
  }
  throw missing(folder, "onnx/model.onnx, model.onnx or genai_config.json", "none of them");
}

async function describe(modelPath: string, folder: string, genai: GenaiConfig | undefined): Promise<ModelFolder> {
  const config = await readJsonObject(join(folder, "config.json"));
  const generation = await readJsonObject(join(folder, "generation_config.json"));
  const tokenizerPath = join(folder, "tokenizer.json");
  // Models that see and hear keep the decoder's configuration one level down.
  const text = config && (objectIn(config, "text_config") ?? objectIn(config, "llm_config"));
  const configs = [config, text].filter((each) => each !== undefined);
  const contextLimit = CONTEXT_KEYS.flatMap((key) => configs.map((each) => numberIn(each, key))).find(
    (limit) => limit !== undefined && limit > 0,
  );
  const endOfText = await findEndOfText({ folder, generation, configs, genaiIds: genai?.eosTokenIds ?? [] });
  return {
    modelPath,
    folder,
    config,
    tokenizerPath: (await kindOf(tokenizerPath)) === "file" ? tokenizerPath : undefined,
    contextLimit,
    eosTokenIds: idsOf(endOfText),
    endOfText,
    notGreedy: [...new Set([...notGreedy(generation ?? {}), ...notGreedy(genai?.search ?? {})])],
    kvSizes: configs.map(readKvSizes).find((sizes) => sizes !== undefined),
  };
}

/** @throws NearfreeError `missing-file` where it cannot be told what is there. */
async function kindOf(path: string): Promise<"file" | "folder" | undefined> {
  try {
    const found = await stat(path);
    return found.isFile() ? "file" : found.isDirectory() ? "folder" : undefined;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw unreadable(path, error);
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    throw unreadable(folder, error);
  }
}

/** What is there but out of reach is not "no such file". */
function unreadable(what: string, cause: unknown): NearfreeError {
  return new NearfreeError({
    code: "missing-file",
    from: "ort-adapter",
    what,
    expected: "a file or folder that can be read",
    received: (cause as NodeJS.ErrnoException).code ?? String(cause),
    remedy: "check its permissions, and those of the folders above it",
    cause,
  });
}

function missing(what: string, expected: string, received: string): NearfreeError {
  const remedy = "check the path, or export the model to ONNX first";
  return new NearfreeError({ code: "missing-file", from: "ort-adapter", what, expected, received, remedy });
}
