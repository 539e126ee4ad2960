import { NearfreeError } from "@nearfree/core";
import type { DecoderShape } from "@nearfree/ort-adapter";

export interface CheckpointConfig {
  readonly shape: DecoderShape;
  readonly eosTokenId: number;
}

/**
 * Reads a Hugging Face `config.json` of a Llama model, or of one with mixtures of experts, as Qwen3-MoE writes it.
 * @throws NearfreeError `invalid-model` where it is no JSON, or a size is missing
 */
export function parseCheckpointConfig(path: string, bytes: Uint8Array): CheckpointConfig {
  const invalid = (what: string, expected: string, received: string, cause?: unknown) =>
    new NearfreeError({
      code: "invalid-model",
      from: "examples",
      what,
      expected,
      received,
      remedy: "use the config.json that was saved with the weights",
      cause,
    });
  const text = new TextDecoder().decode(bytes);
  let config: Record<string, unknown>;
  try {
    config = JSON.parse(text) as Record<string, unknown>;
  } catch (cause) {
    throw invalid(path, "JSON", JSON.stringify(text.slice(0, 20)), cause);
  }
  const number = (key: string): number => {
    const value = config?.[key];
    if (typeof value !== "number" || !(value >= 0)) throw invalid(`${path} ${key}`, "a number", String(value));
    return value;
  };
  const mixture = config?.num_experts !== undefined;
  const shape: DecoderShape = {
    vocabularySize: number("vocab_size"),
    hiddenSize: number("hidden_size"),
    intermediateSize: number(mixture ? "moe_intermediate_size" : "intermediate_size"),
    layers: number("num_hidden_layers"),
    heads: number("num_attention_heads"),
    kvHeads: number("num_key_value_heads"),
    headDim: number("head_dim"),
    contextLimit: number("max_position_embeddings"),
    ropeTheta: number("rope_theta"),
    rmsNormEpsilon: number("rms_norm_eps"),
    tiedHead: config.tie_word_embeddings === true,
    ...(mixture && { experts: { count: number("num_experts"), active: number("num_experts_per_tok") } }),
  };
  return { shape, eosTokenId: number("eos_token_id") };
}
