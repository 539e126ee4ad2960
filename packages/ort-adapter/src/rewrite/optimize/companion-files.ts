import { copyFile, readdir } from "node:fs/promises";
import { join } from "node:path";

/** Files beside a model that say what it is, how its text is made, and on what terms: configurations, tokenizers, licences. */
const COMPANION =
  /^((transformers\.js_|genai_|generation_|preprocessor_|processor_)?config\.json|tokenizer.*|special_tokens_map\.json|added_tokens\.json|vocab\..*|merges\.txt|chat_template\..*|.*\.(tiktoken|spm|model)|(licen[cs]e|notice|use_policy).*)$/i;

/** Copies the small files beside a model from one folder to another; returns their names. */
export async function copyCompanions(from: string, to: string): Promise<readonly string[]> {
  const entries = await readdir(from, { withFileTypes: true });
  const names = entries
    .filter((entry) => (entry.isFile() || entry.isSymbolicLink()) && COMPANION.test(entry.name))
    .map(({ name }) => name);
  for (const name of names) await copyFile(join(from, name), join(to, name));
  return names;
}
