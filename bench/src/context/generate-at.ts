import { BaseStreamer, DynamicCache, Tensor } from "@huggingface/transformers";
import { median } from "@nearfree/calibrate";
import { loadTransformersjs } from "../setup/load-transformersjs.ts";

/** transformers.js decoding a file, on a cache of a given length. */
export interface TransformersjsAt {
  /** Median ms of a token behind `context` positions, by its own `generate()`. */
  tokenMs(context: number, tokens: number): Promise<number>;
  dispose(): Promise<void>;
}

interface CacheShape {
  readonly layers: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

class TokenClock extends BaseStreamer {
  readonly at: number[] = [];
  override put(): void {
    this.at.push(performance.now());
  }
  override end(): void {}
}

/** Opens the model in `folder`; its cache is filled with zeros, since what it holds does not change what a forward costs. */
export async function openTransformersjs(
  folder: string,
  threads: number,
  shape: CacheShape,
): Promise<TransformersjsAt> {
  const model = await loadTransformersjs(folder, threads);
  return {
    async tokenMs(context, tokens) {
      const length = context + 1;
      const streamer = new TokenClock();
      await model.generate({
        inputs: new Tensor("int64", new BigInt64Array(length).fill(3n), [1, length]),
        attention_mask: new Tensor("int64", new BigInt64Array(length).fill(1n), [1, length]),
        past_key_values: new DynamicCache(zeros(shape, context)),
        max_new_tokens: tokens + 1,
        do_sample: false,
        // No id ends the text: what is timed is a token, not a text.
        eos_token_id: -1,
        streamer,
      } as unknown as Parameters<typeof model.generate>[0]);
      // The prompt is the first put, and the first token comes with a forward that is as wide as the others.
      const { at } = streamer;
      return median(at.slice(2).map((time, i) => time - at[i + 1]!));
    },
    dispose: async () => void (await model.dispose()),
  };
}

function zeros({ layers, kvHeads, headDim }: CacheShape, length: number): Record<string, Tensor> {
  const dims = [1, kvHeads, length, headDim];
  const tensor = () => new Tensor("float32", new Float32Array(kvHeads * length * headDim), dims);
  return Object.fromEntries(
    Array.from({ length: layers }, (_, layer) =>
      ["key", "value"].map((part) => [`past_key_values.${layer}.${part}`, tensor()] as const),
    ).flat(),
  );
}
