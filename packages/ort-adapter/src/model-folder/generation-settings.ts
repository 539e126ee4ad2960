import type { JsonObject } from "./json-file.ts";

/** What a setting of text generation may say without changing what greedy decoding brings. Null always is. */
const NEUTRAL: Readonly<Record<string, readonly unknown[]>> = {
  do_sample: [false],
  temperature: [1],
  // 50 is what transformers assumes; 1 is greedy.
  top_k: [0, 1, 50],
  top_p: [1],
  top_h: [],
  min_p: [0],
  typical_p: [1],
  epsilon_cutoff: [0],
  eta_cutoff: [0],
  repetition_penalty: [1],
  encoder_repetition_penalty: [1],
  no_repeat_ngram_size: [0],
  encoder_no_repeat_ngram_size: [0],
  num_beams: [0, 1],
  num_beam_groups: [1],
  diversity_penalty: [0],
  penalty_alpha: [0],
  guidance_scale: [1],
  min_length: [0],
  min_new_tokens: [0],
  bad_words_ids: [],
  force_words_ids: [],
  suppress_tokens: [],
  begin_suppress_tokens: [],
  sequence_bias: [],
  forced_bos_token_id: [],
  forced_eos_token_id: [],
  exponential_decay_length_penalty: [],
  stop_strings: [],
};

/** The settings that ask for another text than greedy decoding brings, each as `name value`. */
export function notGreedy(settings: JsonObject): string[] {
  return Object.entries(NEUTRAL).flatMap(([name, neutral]) => {
    const value = settings[name];
    const none = value === undefined || value === null || (Array.isArray(value) && value.length === 0);
    return none || neutral.includes(value) ? [] : [`${name} ${brief(value)}`];
  });
}

/** Lists of token ids may be long. */
function brief(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 37)}...` : text;
}
