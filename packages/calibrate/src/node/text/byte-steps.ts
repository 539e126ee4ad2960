import { TextDecoder } from "node:util";
import { type DecodeStep, type Emit, eachToken, type MakeStep } from "./decode-step.ts";

/** Tokens of characters that stand for bytes, as GPT-2 has them. An added token is text, and ends the run of bytes before it. */
export function byteLevel(isAdded: (token: string) => boolean): MakeStep {
  return (emit) => byteRuns(emit, true, (token) => (isAdded(token) ? undefined : bytesOf(token)));
}

/** `<0xE2>` is a byte, whatever else is text: what Llama's tokenizer does for characters that its vocabulary lacks. */
export const byteFallback: MakeStep = (emit) =>
  byteRuns(emit, false, (token) => {
    const isByte = token.length === 6 && token.startsWith("<0x") && token.endsWith(">");
    const byte = isByte ? Number.parseInt(token.slice(3, 5), 16) : Number.NaN;
    return Number.isNaN(byte) ? undefined : Uint8Array.of(byte);
  });

/** Tokens that are bytes run on into characters; any other, of which `bytesIn` has none, is text and ends the run. */
function byteRuns(emit: Emit, ignoreBOM: boolean, bytesIn: (token: string) => Uint8Array | undefined): DecodeStep {
  const run = new ByteRun(emit, ignoreBOM);
  return eachToken(
    (token) => {
      const bytes = bytesIn(token);
      if (bytes !== undefined) return run.push(bytes);
      run.close();
      emit(token, true);
    },
    () => run.close(),
  );
}

/** Bytes of UTF-8 that come in pieces: one token, its characters emitted as soon as they are whole. */
class ByteRun {
  readonly #emit: Emit;
  readonly #decoder: TextDecoder;
  #open = false;

  constructor(emit: Emit, ignoreBOM: boolean) {
    this.#emit = emit;
    this.#decoder = new TextDecoder("utf-8", { ignoreBOM });
  }

  push(bytes: Uint8Array): void {
    this.#open = true;
    this.#emit(this.#decoder.decode(bytes, { stream: true }), false);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#emit(this.#decoder.decode(), true);
  }
}

function bytesOf(token: string): Uint8Array {
  return Uint8Array.from(token, (char) => BYTE_OF.get(char) ?? 0);
}

/** GPT-2's printable stand-ins: itself where a byte is printable in Latin-1, else a character from U+0100 on. */
const BYTE_OF = new Map<string, number>();
for (let byte = 0, others = 0; byte < 256; byte++) {
  const printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  BYTE_OF.set(String.fromCharCode(printable ? byte : 256 + others++), byte);
}
