import { BaseStreamer, Tensor } from "@huggingface/transformers";
import { loadTransformersjs } from "../setup/load-transformersjs.ts";
import type { Arm } from "./loop-arm.ts";

/** Notes when the first generated token comes. The prompt arrives first, in one piece. */
class FirstTokenClock extends BaseStreamer {
  puts = 0;
  firstMs = 0;
  override put(): void {
    this.puts++;
    if (this.puts === 2) this.firstMs = performance.now();
  }
  override end(): void {}
}

/** transformers.js `generate()`, greedy, to the same end, on the exported model in `folder`, with the same threads as the other arms. */
export async function transformersjsArm(
  folder: string,
  threads: number,
  stopTokens: readonly number[],
): Promise<Arm & { dispose(): Promise<void> }> {
  const model = await loadTransformersjs(folder, threads);
  return {
    name: "transformersjs",
    async generate(prompt, newTokens) {
      const shape = [1, prompt.length];
      const inputIds = new Tensor("int64", BigInt64Array.from(prompt, BigInt), shape);
      const attentionMask = new Tensor("int64", new BigInt64Array(prompt.length).fill(1n), shape);
      const streamer = new FirstTokenClock();
      const began = performance.now();
      const output = (await model.generate({
        inputs: inputIds,
        attention_mask: attentionMask,
        max_new_tokens: newTokens,
        do_sample: false,
        // An id outside the vocabulary ends nothing.
        eos_token_id: stopTokens.length > 0 ? [...stopTokens] : -1,
        streamer,
      } as unknown as Parameters<typeof model.generate>[0])) as Tensor;
      const ended = performance.now();
      const tokens = Array.from(output.data as BigInt64Array, Number).slice(prompt.length);
      // The token that ends the text comes with it here, and does not in the other arms.
      if (stopTokens.includes(tokens.at(-1)!)) tokens.pop();
      return { tokens, decodeMs: tokens.length > 0 ? ended - streamer.firstMs : 0, totalMs: ended - began };
    },
    dispose: async () => void (await model.dispose()),
  };
}
