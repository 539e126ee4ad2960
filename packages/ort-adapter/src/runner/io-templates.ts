/** Names of a decoder's inputs and outputs; `%d` stands for the layer, as in genai_config.json. */
export interface IoTemplates {
  readonly tokens: string;
  readonly attentionMask: string;
  readonly positionIds: string;
  readonly logits: string;
  readonly pastKey: string;
  readonly pastValue: string;
  readonly presentKey: string;
  readonly presentValue: string;
  /** Keys and values of a layer in one tensor, where there are none apart. */
  readonly past: string;
  readonly present: string;
}

/** What transformers.js, optimum and onnxruntime-genai write. */
export const DEFAULT_IO_TEMPLATES: IoTemplates = {
  tokens: "input_ids",
  attentionMask: "attention_mask",
  positionIds: "position_ids",
  logits: "logits",
  pastKey: "past_key_values.%d.key",
  pastValue: "past_key_values.%d.value",
  presentKey: "present.%d.key",
  presentValue: "present.%d.value",
  past: "past_%d",
  present: "present_%d",
};
