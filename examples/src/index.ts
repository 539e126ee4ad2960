export { BUNDLED_MODELS, BUNDLED_TOKENIZER, type BundledModel, bundledModel, EXPORT_CACHE } from "./bundled-model.ts";
export { distinctGrams, LOOPING_BELOW } from "./distinct-grams.ts";
export type { ExportVariant } from "./export-checkpoint.ts";
export type { Prompt, PromptKind } from "./prompts.ts";
export { heldOutPrompts, longPrompts, PROMPT_KINDS } from "./prompts.ts";
export { tinyTs } from "./tiny-ts.ts";
