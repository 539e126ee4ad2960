import type { Probe } from "@nearfree/core";
import * as ort from "onnxruntime-node";

export interface BatchProbeOptions {
  /** Tokens of real text; each sequence reads its own part. */
  readonly tokens: Int32Array;
  readonly contextLength: number;
  /** Sequences in one forward, all of the same length. */
  readonly batch: number;
  readonly maxPositions: number;
}

/**
 * Measures a decoder with decomposed attention on several sequences: a forward of n adds n positions to each of them. The KV
 * cache is what the runtime returned for the context, and is fed anew each time; what a forward returns is dropped.
 */
export async function createBatchProbe(session: ort.InferenceSession, options: BatchProbeOptions): Promise<Probe> {
  const { tokens, contextLength, batch, maxPositions } = options;
  const text = (from: number, count: number) => {
    const ids = new BigInt64Array(batch * count);
    for (let at = 0; at < ids.length; at++) {
      const start = Math.floor(at / count) * maxPositions + from;
      ids[at] = BigInt(tokens[(start + (at % count)) % tokens.length]!);
    }
    return new ort.Tensor("int64", ids, [batch, count]);
  };
  const mask = (total: number) => new ort.Tensor("int64", new BigInt64Array(batch * total).fill(1n), [batch, total]);

  const past: Record<string, ort.Tensor> = {};
  for (const input of session.inputMetadata) {
    if (!input.isTensor || !input.name.startsWith("past_key_values.")) continue;
    const [, heads, , headDim] = input.shape;
    past[input.name] = new ort.Tensor("float32", new Float32Array(0), [batch, Number(heads), 0, Number(headDim)]);
  }
  const context = await session.run({
    ...past,
    input_ids: text(0, contextLength),
    attention_mask: mask(contextLength),
  });
  for (const name of Object.keys(past)) past[name] = context[name.replace("past_key_values", "present")]!;
  const feeds: Record<string, ort.Tensor>[] = []; // feeds[n]: of a forward of n positions.
  return {
    maxPositions,
    prepare(n: number) {
      feeds[n] ??= { ...past, input_ids: text(contextLength, n), attention_mask: mask(contextLength + n) };
    },
    async run(n: number) {
      await session.run(feeds[n]!);
    },
  };
}
