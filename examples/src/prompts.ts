import { readFile } from "node:fs/promises";

/**
 * continue: a file to go on with. edit: a rename task, repeat-heavy. novel: a bare declaration, little to repeat. long: a file of some 800
 * tokens, most of the bundled model's context.
 */
export type PromptKind = "continue" | "edit" | "novel" | "long";
/** Those of short prompts. */
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

/** The short held-out prompts beside the bundled model. */
export async function heldOutPrompts(): Promise<Prompt[]> {
  return (await readPrompts()).filter(({ kind }) => kind !== "long");
}

/** The long ones. */
export async function longPrompts(): Promise<Prompt[]> {
  return (await readPrompts()).filter(({ kind }) => kind === "long");
}

async function readPrompts(): Promise<Prompt[]> {
  const file = new URL("../models/tiny-ts/prompts.json", import.meta.url);
  return (JSON.parse(await readFile(file, "utf8")) as { prompts: Prompt[] }).prompts;
}
