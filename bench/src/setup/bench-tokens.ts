import { loadTextCodec } from "@nearfree/calibrate/node";
import { BUNDLED_TOKENIZER, heldOutPrompts } from "@nearfree/examples";

/**
 * `count` tokens of held-out TypeScript, the same for every model: kernels that route or round by content see what a decode loop
 * would feed them. The vocabulary of the bundled tokenizer is the smallest of all models measured.
 */
export async function benchTokens(count: number): Promise<Int32Array> {
  const codec = await loadTextCodec(BUNDLED_TOKENIZER);
  const text = codec.encode((await heldOutPrompts()).map(({ prompt }) => prompt).join("\n"));
  return Int32Array.from({ length: count }, (_, i) => text[i % text.length]!);
}
