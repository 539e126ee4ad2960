export { distinctGrams, LOOPING_BELOW } from "./distinct-grams.ts";
export type { TinyTsVariant } from "./export-tiny-ts.ts";
export type { Prompt, PromptKind } from "./prompts.ts";
export { heldOutPrompts, longPrompts, PROMPT_KINDS } from "./prompts.ts";
export { EXPORT_CACHE, TINY_TS_SOURCE, tinyTs } from "./tiny-ts.ts";
