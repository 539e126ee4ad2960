import type { RowConfig } from "../onnx/graph/rows/read-row-traits.ts";
import { type JsonObject, numberIn, objectIn, stringIn } from "./json-file.ts";
import type { ModelFolder } from "./model-folder.ts";

/** Names of LongRoPE in configurations. */
const LONG_ROPE = new Set(["longrope", "su"]);

const NOTHING: JsonObject = {};

/** What the configuration beside a model says of its rows: its narrowest window, and where LongRoPE changes tables. */
export function rowConfig({
  config = NOTHING,
  genaiConfig = NOTHING,
}: Pick<ModelFolder, "config" | "genaiConfig">): RowConfig {
  const configs = [config, objectIn(config, "text_config"), objectIn(config, "llm_config")].filter(
    (each) => each !== undefined,
  );
  const windows = [...configs.map(slidingWindow), genaiWindow(genaiConfig)].filter((size) => size !== undefined);
  return {
    window: windows.length === 0 ? undefined : Math.min(...windows),
    longRopeSwitch: configs.map(longRopeSwitch).find((length) => length !== undefined),
  };
}

function slidingWindow(config: JsonObject): number | undefined {
  const { use_sliding_window: used, layer_types: layers } = config;
  const nowhere = Array.isArray(layers) && !layers.includes("sliding_attention");
  return used === false || nowhere ? undefined : positive(numberIn(config, "sliding_window"));
}

function genaiWindow(config: JsonObject): number | undefined {
  const decoder = objectIn(objectIn(config, "model") ?? NOTHING, "decoder") ?? NOTHING;
  return positive(numberIn(objectIn(decoder, "sliding_window") ?? NOTHING, "window_size"));
}

/** `original_max_position_embeddings` stands beside the description of the rotary embedding, or in it. */
function longRopeSwitch(config: JsonObject): number | undefined {
  const described = ["rope_scaling", "rope_parameters"].flatMap((key): JsonObject[] => {
    const rope = objectIn(config, key) ?? NOTHING;
    // One for all layers, or one for each kind of layer.
    const inner = Object.keys(rope).map((kind) => objectIn(rope, kind));
    return [rope, ...inner.filter((each) => each !== undefined)];
  });
  const long = described.find((rope) => LONG_ROPE.has(stringIn(rope, "rope_type") ?? stringIn(rope, "type") ?? ""));
  if (long === undefined) return undefined;
  const key = "original_max_position_embeddings";
  return positive(numberIn(long, key) ?? numberIn(config, key));
}

function positive(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 ? value : undefined;
}
