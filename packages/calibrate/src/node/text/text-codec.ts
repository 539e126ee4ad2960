import { dirname, join } from "node:path";
import { Tokenizer } from "@huggingface/tokenizers";
import { NearfreeError } from "@nearfree/core";
import { type JsonObject, readJsonObject } from "@nearfree/ort-adapter/node";
import type { DecoderConfig } from "./decoder-steps.ts";

/** Text to token ids and back, from a model folder's tokenizer.json. */
export interface TextCodec {
  encode(text: string): number[];
  /** Special tokens, and ids that the tokenizer has no token for, are no text. None at all is "". */
  decode(tokens: readonly number[]): string;
  /** What `createTextStream` needs to do the same token by token. */
  readonly decoding: TextDecoding;
}

export interface TextDecoding {
  /** The token of an id; undefined where it is no text. */
  tokenOf(id: number): string | undefined;
  /** Whether a token was added to the vocabulary as it stands. */
  isAdded(token: string): boolean;
  readonly decoder: DecoderConfig | null;
  /** What marks the end of a word in tokens of the first BPE models. */
  readonly endOfWord: string | undefined;
  readonly cleansUp: boolean;
}

interface TokenizerDefinition extends JsonObject {
  readonly model?: { readonly type?: string; readonly merges?: unknown; readonly end_of_word_suffix?: string };
  readonly decoder?: DecoderConfig | null;
  readonly added_tokens?: readonly { readonly content: string; readonly special: boolean }[];
}

/**
 * Loads a Hugging Face `tokenizer.json` (`tokenizer_config.json` beside it is optional).
 *
 * @throws NearfreeError `missing-file` without the file, `invalid-model` when it is not a tokenizer.
 */
export async function loadTextCodec(tokenizerPath: string): Promise<TextCodec> {
  const definition: TokenizerDefinition | undefined = await readJsonObject(tokenizerPath);
  if (definition === undefined) {
    throw new NearfreeError({
      code: "missing-file",
      from: "calibrate",
      what: `tokenizer file ${tokenizerPath}`,
      expected: "a Hugging Face tokenizer.json",
      received: "no such file",
      remedy: "put the model's tokenizer.json into the model folder",
    });
  }
  const config = (await readJsonObject(join(dirname(tokenizerPath), "tokenizer_config.json"))) ?? {};
  try {
    return createCodec(new Tokenizer(definition, config), definition, config);
  } catch (cause) {
    throw new NearfreeError({
      code: "invalid-model",
      from: "calibrate",
      what: `tokenizer file ${tokenizerPath}`,
      expected: "a Hugging Face tokenizer.json",
      received: (cause as Error).message,
      remedy: "export or download the tokenizer again",
      cause,
    });
  }
}

function createCodec(tokenizer: Tokenizer, definition: TokenizerDefinition, config: JsonObject): TextCodec {
  const { added_tokens = [], decoder = null, model } = definition;
  const added = new Set(added_tokens.map(({ content }) => content));
  const more = [config.additional_special_tokens].flat().filter((token) => typeof token === "string");
  const special = new Set([...added_tokens.filter((token) => token.special).map(({ content }) => content), ...more]);
  const tokenOf = (id: number) => {
    const token = tokenizer.id_to_token(id);
    return token === undefined || special.has(token) ? undefined : token;
  };
  const cleansUp = asksForCleanUp(model, config);
  const options = { skip_special_tokens: true, clean_up_tokenization_spaces: cleansUp };
  return {
    encode: (text) => tokenizer.encode(text).ids,
    decode(tokens) {
      const text = tokens.filter((id) => tokenOf(id) !== undefined);
      return text.length === 0 ? "" : tokenizer.decode(text, options);
    },
    decoding: {
      tokenOf,
      isAdded: (token) => added.has(token),
      decoder,
      endOfWord: (decoder && model?.end_of_word_suffix) || undefined,
      cleansUp,
    },
  };
}

/**
 * As transformers 5 does: off where the key is missing, and never for BPE, whose text it would change (`a ? b : c` is no sentence),
 * though many configurations of BPE models say true.
 */
function asksForCleanUp(model: TokenizerDefinition["model"], config: JsonObject): boolean {
  if (config.clean_up_tokenization_spaces !== true) return false;
  const isBpe = model?.type === "BPE" || (model?.type === undefined && model?.merges !== undefined);
  return !isBpe || config.clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output === true;
}
