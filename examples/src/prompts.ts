import { readFile } from "node:fs/promises";

/** continue: a file to go on with. edit: a rename task, repeat-heavy. novel: a bare declaration, little to repeat. */
export type PromptKind = "continue" | "edit" | "novel";
export const PROMPT_KINDS: readonly PromptKind[] = ["continue", "edit", "novel"];

/** A piece of TypeScript that the bundled model never saw. */
export interface Prompt {
  readonly id: string;
  readonly kind: PromptKind;
  /** Package and file that it was cut from. */
  readonly source: string;
  readonly prompt: string;
}

/** One of each kind whose greedy continuation does not go round in circles, as those of so small a model often do. */
export const VARIED_PROMPTS: readonly string[] = ["continue-11", "edit-08", "novel-14"];

/** The held-out prompts beside the bundled model. */
export async function heldOutPrompts(): Promise<Prompt[]> {
  const file = new URL("../models/tiny-ts/prompts.json", import.meta.url);
  return (JSON.parse(await readFile(file, "utf8")) as { prompts: Prompt[] }).prompts;
}
