import { byteFallback, byteLevel } from "./byte-steps.ts";
import { chain, fuse, type MakeStep, spaceAfterWords, spaced, wholeTokens } from "./decode-step.ts";
import { cleanUp, replaceLiteral, strip } from "./text-steps.ts";

/** A decoder, or a part of one, as tokenizer.json describes it. */
export interface DecoderConfig {
  readonly type?: string;
  readonly [key: string]: unknown;
}

/**
 * The decoder of a tokenizer.json as steps that take tokens as they come. They do what `@huggingface/tokenizers` does with all tokens
 * at once. Undefined for a decoder that needs them all (CTC, of speech recognition).
 */
export function decoderSteps(
  config: DecoderConfig | null,
  isAdded: (token: string) => boolean = () => false,
): MakeStep | undefined {
  if (config === null) return spaced;
  switch (config.type) {
    case "ByteLevel":
      return byteLevel(isAdded);
    case "ByteFallback":
      return byteFallback;
    case "Fuse":
      return fuse;
    case "Metaspace":
      return metaspace(textOf(config.replacement, "\u2581"));
    case "WordPiece":
      return wordPiece(textOf(config.prefix), config.cleanup === true);
    case "BPEDecoder":
      return spaceAfterWords(textOf(config.suffix));
    case "Replace":
      return replace(config.pattern as Pattern, textOf(config.content));
    case "Strip":
      return strip(textOf(config.content), countOf(config.start), countOf(config.stop));
    case "Sequence": {
      // Only the decoder as a whole knows of added tokens.
      const parts = ((config.decoders ?? []) as DecoderConfig[]).map((part) => decoderSteps(part));
      const known = parts.filter((part) => part !== undefined);
      return known.length === parts.length ? chain(known) : undefined;
    }
    default:
      return undefined;
  }
}

function metaspace(replacement: string): MakeStep {
  return wholeTokens((token, index) => {
    const text = token.replaceAll(replacement, " ");
    return index === 0 && text.startsWith(" ") ? text.slice(1) : text;
  });
}

function wordPiece(prefix: string, cleaned: boolean): MakeStep {
  return wholeTokens((token, index) => {
    const continues = prefix !== "" && token.startsWith(prefix);
    const text = index === 0 ? token : continues ? token.slice(prefix.length) : ` ${token}`;
    return cleaned ? cleanUp(text) : text;
  });
}

type Pattern = { readonly String?: string; readonly Regex?: string };

/** A pattern that is no plain text cannot be told apart from what follows it: undefined. */
function replace({ String: literal }: Pattern, content: string): MakeStep | undefined {
  return literal === undefined || literal === "" ? undefined : replaceLiteral(literal, content);
}

function textOf(value: unknown, fallback = ""): string {
  return typeof value === "string" ? value : fallback;
}

function countOf(value: unknown): number {
  return typeof value === "number" ? value : 0;
}
