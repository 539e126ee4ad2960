import { chain, fuse } from "./decode-step.ts";
import { decoderSteps } from "./decoder-steps.ts";
import type { TextCodec } from "./text-codec.ts";
import { cleanUpSteps, replaceLiteral, trim } from "./text-steps.ts";

/** Text of tokens that come one by one. */
export interface TextStream {
  /** The text that is certain with this token, and was not before: often its own, none where it is a part of a character. */
  push(token: number): string;
  /** What was held back. No token may follow. */
  end(): string;
}

/**
 * Turns tokens into text as they come: all pieces together are `codec.decode` of all tokens. Held back is only what the next tokens
 * can change: an unfinished character, a space that clean-up may take. Each token is worked on once.
 */
export function createTextStream(codec: TextCodec): TextStream {
  const { decoder, endOfWord, cleansUp, isAdded, tokenOf } = codec.decoding;
  const steps = decoderSteps(decoder, isAdded);
  if (steps === undefined) return createWholeText(codec);
  let out = "";
  const emit = (chunk: string) => {
    out += chunk;
  };
  const { push, end } = chain([
    steps,
    fuse,
    ...(endOfWord === undefined ? [] : [replaceLiteral(endOfWord, " "), trim]),
    ...(cleansUp ? cleanUpSteps : []),
  ])(emit);
  const take = () => {
    const text = out;
    out = "";
    return text;
  };
  return {
    push(id) {
      const token = tokenOf(id);
      if (token !== undefined) push(token, true);
      return take();
    },
    end() {
      end();
      return take();
    },
  };
}

/** For decoders whose text is not known before the last token. */
function createWholeText(codec: TextCodec): TextStream {
  const tokens: number[] = [];
  return {
    push(token) {
      tokens.push(token);
      return "";
    },
    end: () => codec.decode(tokens),
  };
}
