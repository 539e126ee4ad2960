import type { MakeStep } from "./decode-step.ts";

/** Every `pattern` in a token becomes `content`, as with `replaceAll`: what may be the start of one is held back. */
export function replaceLiteral(pattern: string, content: string): MakeStep {
  return (emit) => {
    let held = "";
    return {
      push(chunk, last) {
        const text = held + chunk;
        let out = "";
        let from = 0;
        for (let at = text.indexOf(pattern); at >= 0; at = text.indexOf(pattern, from)) {
          out += text.slice(from, at) + content;
          from = at + pattern.length;
        }
        const until = last ? text.length : startOfPart(text, from, pattern);
        held = text.slice(until);
        emit(out + text.slice(from, until), last);
      },
      end() {},
    };
  };
}

/** Where the longest suffix of text[from ..] begins that `pattern` begins with; the text's end where there is none. */
function startOfPart(text: string, from: number, pattern: string): number {
  let at = Math.max(from, text.length - pattern.length + 1);
  while (at < text.length && !pattern.startsWith(text.slice(at))) at++;
  return at;
}

/** Takes up to `start` times `content`, one character, from the beginning of every token and `stop` times from its end. */
export function strip(content: string, start: number, stop: number): MakeStep {
  return (emit) => {
    let leading = start;
    let held = "";
    return {
      push(chunk, last) {
        let from = 0;
        while (leading > 0 && from < chunk.length && chunk[from] === content) {
          from++;
          leading--;
        }
        if (from < chunk.length) leading = 0;
        const text = held + chunk.slice(from);
        let until = text.length;
        while (text.length - until < stop && until > 0 && text[until - 1] === content) until--;
        held = last ? "" : text.slice(until);
        if (last) leading = start;
        emit(text.slice(0, until), last);
      },
      end() {},
    };
  };
}

/** `trim()` of a token. White space in it waits for what follows. */
export const trim: MakeStep = (emit) => {
  let begun = false;
  let held = "";
  return {
    push(chunk, last) {
      const text = begun ? held + chunk : chunk.trimStart();
      const kept = text.trimEnd();
      begun = !last && (begun || kept !== "");
      held = last ? "" : text.slice(kept.length);
      emit(kept, last);
    },
    end() {},
  };
};

// Hugging Face's clean_up_tokenization, in its order: made for WordPiece, which puts a space before every punctuation mark.
const CLEAN_UP: readonly (readonly [string, string])[] = [
  [" .", "."],
  [" ?", "?"],
  [" !", "!"],
  [" ,", ","],
  [" ' ", "'"],
  [" n't", "n't"],
  [" 'm", "'m"],
  [" 's", "'s"],
  [" 've", "'ve"],
  [" 're", "'re"],
];

/** The steps of clean-up, one behind the other: what one of them leaves may be another's pattern. */
export const cleanUpSteps: readonly MakeStep[] = CLEAN_UP.map(([pattern, content]) => replaceLiteral(pattern, content));

export function cleanUp(text: string): string {
  return CLEAN_UP.reduce((cleaned, [pattern, content]) => cleaned.replaceAll(pattern, content), text);
}
