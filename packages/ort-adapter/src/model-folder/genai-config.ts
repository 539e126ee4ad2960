import { join } from "node:path";
import type { KvSizes } from "../onnx/graph/classify-io.ts";
import type { IoTemplates } from "../runner/io-templates.ts";
import { type JsonObject, numberIn, objectIn, readJsonObject, stringIn } from "./json-file.ts";
import { tokenIds } from "./token-ids.ts";

/** What a genai_config.json says of its decoder. */
export interface GenaiConfig {
  readonly fileName: string;
  readonly eosTokenIds: readonly number[];
  /** What its text is to be generated with. */
  readonly search: JsonObject;
  readonly described: {
    readonly ioNames: Partial<IoTemplates>;
    readonly contextLimit?: number;
    readonly kvSizes?: KvSizes;
    readonly genaiConfig: JsonObject;
  };
}

const INPUT_KEYS = {
  tokens: "input_ids",
  attentionMask: "attention_mask",
  positionIds: "position_ids",
  pastKey: "past_key_names",
  pastValue: "past_value_names",
  past: "past_names",
} as const satisfies Partial<Record<keyof IoTemplates, string>>;

const OUTPUT_KEYS = {
  logits: "logits",
  presentKey: "present_key_names",
  presentValue: "present_value_names",
  present: "present_names",
} as const satisfies Partial<Record<keyof IoTemplates, string>>;

/**
 * Reads the folder's genai_config.json; undefined where there is none.
 * @throws NearfreeError `invalid-model` where it is no JSON.
 */
export async function readGenaiConfig(folder: string): Promise<GenaiConfig | undefined> {
  const config = await readJsonObject(join(folder, "genai_config.json"));
  if (config === undefined) return undefined;
  const model = objectIn(config, "model") ?? {};
  const decoder = objectIn(model, "decoder") ?? {};
  const names = (keys: Readonly<Record<string, string>>, from: Readonly<Record<string, unknown>>) =>
    Object.entries(keys).flatMap(([name, key]) => {
      const value = stringIn(from, key);
      return value === undefined ? [] : [[name, value] as const];
    });
  const ioNames = Object.fromEntries([
    ...names(INPUT_KEYS, objectIn(decoder, "inputs") ?? {}),
    ...names(OUTPUT_KEYS, objectIn(decoder, "outputs") ?? {}),
  ]) as Partial<IoTemplates>;
  const contextLimit = numberIn(model, "context_length");
  const heads = numberIn(decoder, "num_key_value_heads");
  const headDim = numberIn(decoder, "head_size");
  return {
    fileName: stringIn(decoder, "filename") ?? "model.onnx",
    eosTokenIds: tokenIds(model.eos_token_id),
    search: objectIn(config, "search") ?? {},
    described: {
      ioNames,
      genaiConfig: config,
      ...(contextLimit !== undefined && { contextLimit }),
      ...((heads ?? headDim) !== undefined && { kvSizes: { heads, headDim } }),
    },
  };
}
