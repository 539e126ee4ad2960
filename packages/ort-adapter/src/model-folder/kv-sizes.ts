import type { KvSizes } from "../onnx/graph/classify-io.ts";
import { type JsonObject, numberIn } from "./json-file.ts";

/** Keys under which configurations of different families keep the same number. */
const HEADS = ["num_attention_heads", "n_head", "num_heads", "n_heads"];
const HIDDEN = ["hidden_size", "n_embd", "d_model", "n_embed"];
const KV_HEADS = ["num_key_value_heads", "num_kv_heads", "n_head_kv"];
const HEAD_DIM = ["head_dim", "d_kv"];

/** Heads and head size of a KV cache as a config.json gives them: its own words, else the hidden size over the heads. */
export function readKvSizes(config: JsonObject): KvSizes | undefined {
  const first = (keys: readonly string[]) =>
    keys.map((key) => numberIn(config, key)).find((value) => value !== undefined);
  const queries = first(HEADS);
  const hidden = first(HIDDEN);
  // Falcon's multi-query attention has one head, and says so apart.
  const shared = config.multi_query === true && config.new_decoder_architecture !== true ? 1 : undefined;
  const heads = shared ?? first(KV_HEADS) ?? queries;
  const headDim = first(HEAD_DIM) ?? (hidden !== undefined && queries !== undefined ? hidden / queries : undefined);
  if (heads === undefined && headDim === undefined) return undefined;
  return { heads, headDim: Number.isInteger(headDim) ? headDim : undefined };
}
