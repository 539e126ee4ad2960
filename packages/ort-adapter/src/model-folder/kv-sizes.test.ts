import { expect, it } from "vitest";
import { readKvSizes } from "./kv-sizes.ts";

it.each<[string, Record<string, unknown>, object | undefined]>([
  [
    "llama",
    { head_dim: 16, hidden_size: 2048, num_attention_heads: 32, num_key_value_heads: 8 },
    { heads: 8, headDim: 16 },
  ],
  ["phi3", { hidden_size: 3072, num_attention_heads: 32, num_key_value_heads: 32 }, { heads: 32, headDim: 96 }],
  ["gpt2", { n_embd: 768, n_head: 12 }, { heads: 12, headDim: 64 }],
  ["bloom", { hidden_size: 64, n_head: 4 }, { heads: 4, headDim: 16 }],
  ["falcon", { hidden_size: 64, num_attention_heads: 4, multi_query: true }, { heads: 1, headDim: 16 }],
  [
    "falcon, new",
    { hidden_size: 64, num_attention_heads: 4, num_kv_heads: 2, multi_query: true, new_decoder_architecture: true },
    { heads: 2, headDim: 16 },
  ],
  ["sizes that do not divide", { hidden_size: 100, num_attention_heads: 3 }, { heads: 3, headDim: undefined }],
  [
    "null and other types",
    { head_dim: null, hidden_size: "64", num_key_value_heads: 2 },
    { heads: 2, headDim: undefined },
  ],
  ["nothing", { model_type: "mamba" }, undefined],
])("reads the cache sizes of %s", (_name, config, expected) => {
  expect(readKvSizes(config)).toEqual(expected);
});
