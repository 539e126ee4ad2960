import type { TextCodec } from "./text-codec.ts";

/**
 * Turns tokens into text as they come. A token may hold part of a character (byte-level BPE): text is held back
 * until it can no longer change. Decodes a short window, not the whole output, at every token.
 */
export function createTextStream(codec: TextCodec): { push(token: number): string; end(): string } {
  let window: number[] = [];
  let shown = 0;
  const rest = (final: boolean): string => {
    const text = codec.decode(window);
    if (!final && text.endsWith("\uFFFD")) return "";
    const fresh = text.slice(shown);
    shown = text.length;
    // Past a line break nothing earlier can change any more: start a new window there.
    if (text.endsWith("\n")) {
      window = [];
      shown = 0;
    }
    return fresh;
  };
  return {
    push(token) {
      window.push(token);
      return rest(false);
    },
    end: () => rest(true),
  };
}
