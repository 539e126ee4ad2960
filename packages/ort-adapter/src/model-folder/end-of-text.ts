import { join } from "node:path";
import { type JsonObject, objectIn, readJsonObject, stringIn } from "./json-file.ts";
import { tokenIds } from "./token-ids.ts";

/** What one file says of the end of a text. */
export interface EndOfText {
  /** Name of the file in the model's folder. */
  readonly file: string;
  /** None where `token` is not in the vocabulary. */
  readonly ids: readonly number[];
  /** The token, where the file names it and not its id. */
  readonly token?: string;
}

/** What a model's configuration files hold, as far as they are there. */
interface Configurations {
  readonly folder: string;
  readonly generation: JsonObject | undefined;
  /** config.json, and what lies one level down in it. */
  readonly configs: readonly JsonObject[];
  readonly genaiIds: readonly number[];
}

/**
 * Every file that says what ends a text. They often differ (a chat model's turn ends by another token than its documents), and every
 * one of them is right: the text ends at any.
 */
export async function findEndOfText({ folder, generation, configs, genaiIds }: Configurations): Promise<EndOfText[]> {
  const found: EndOfText[] = [
    { file: "generation_config.json", ids: tokenIds(generation?.eos_token_id) },
    { file: "config.json", ids: [...new Set(configs.flatMap((config) => tokenIds(config.eos_token_id)))] },
    { file: "genai_config.json", ids: genaiIds },
  ].filter(({ ids }) => ids.length > 0);
  const tokenizer = await readJsonObject(join(folder, "tokenizer_config.json"));
  const token = tokenizer && tokenText(tokenizer.eos_token);
  if (tokenizer === undefined || token === undefined) return found;
  const id = idInAddedTokens(tokenizer, token) ?? (await idInVocabulary(folder, token));
  return [...found, { file: "tokenizer_config.json", ids: id === undefined ? [] : [id], token }];
}

/** The union of what the files say, each id once. */
export function idsOf(endOfText: readonly EndOfText[]): number[] {
  return [...new Set(endOfText.flatMap(({ ids }) => ids))];
}

/** A token as it stands, or as an object around it. */
function tokenText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  const around = objectIn({ value }, "value");
  return around && stringIn(around, "content");
}

function idInAddedTokens(tokenizer: JsonObject, token: string): number | undefined {
  const added = Object.entries(objectIn(tokenizer, "added_tokens_decoder") ?? {});
  return tokenIds(added.filter(([, entry]) => tokenText(entry) === token).map(([id]) => Number(id)))[0];
}

/** From tokenizer.json. One that cannot be read is refused by who needs the tokenizer: what is asked here may do without. */
async function idInVocabulary(folder: string, token: string): Promise<number | undefined> {
  const definition = await readJsonObject(join(folder, "tokenizer.json")).catch(() => undefined);
  if (definition === undefined) return undefined;
  const added = [definition.added_tokens].flat().filter((entry) => tokenText(entry) === token);
  const vocabulary = objectIn(definition, "model")?.vocab;
  return tokenIds([...added.map((entry) => (entry as JsonObject).id), place(vocabulary, token)])[0];
}

/** In a vocabulary that is a map, or the list that Unigram models have. */
function place(vocabulary: unknown, token: string): unknown {
  if (Array.isArray(vocabulary)) return vocabulary.findIndex((entry) => Array.isArray(entry) && entry[0] === token);
  const ids = objectIn({ vocabulary }, "vocabulary") ?? {};
  return Object.hasOwn(ids, token) ? ids[token] : undefined;
}
