import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Tokenizer } from "@huggingface/tokenizers";
import { NearfreeError } from "@nearfree/core";

/** Text to token ids and back, from a model folder's tokenizer.json. */
export interface TextCodec {
  encode(text: string): number[];
  decode(tokens: readonly number[]): string;
}

async function readJson(path: string): Promise<object | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as object;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw invalidTokenizer(path, "JSON", cause);
  }
}

/**
 * Loads a Hugging Face `tokenizer.json` (`tokenizer_config.json` beside it is optional).
 *
 * @throws NearfreeError `missing-file` without the file, `invalid-model` when it is not a tokenizer.
 */
export async function loadTextCodec(tokenizerPath: string): Promise<TextCodec> {
  const definition = await readJson(tokenizerPath);
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
  const config = (await readJson(join(dirname(tokenizerPath), "tokenizer_config.json"))) ?? {};
  try {
    const tokenizer = new Tokenizer(definition, config);
    return {
      encode: (text) => tokenizer.encode(text).ids,
      decode: (tokens) => tokenizer.decode([...tokens], { skip_special_tokens: true }),
    };
  } catch (cause) {
    throw invalidTokenizer(tokenizerPath, "a Hugging Face tokenizer.json", cause);
  }
}

function invalidTokenizer(path: string, expected: string, cause: unknown): NearfreeError {
  return new NearfreeError({
    code: "invalid-model",
    from: "calibrate",
    what: `tokenizer file ${path}`,
    expected,
    received: (cause as Error).message,
    remedy: "export or download the tokenizer again",
    cause,
  });
}
