import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { COUNTING_VOCABULARY, type CountingDecoderOptions, countingDecoder } from "../testing/counting-decoder.ts";
import { createSessionRunner, type SessionRunnerOptions } from "./session-runner.ts";

async function wrap(decoder: CountingDecoderOptions, options: Partial<SessionRunnerOptions> = {}) {
  const session = await InferenceSession.create(countingDecoder(decoder), {
    intraOpNumThreads: 1,
    logSeverityLevel: 4,
  });
  return createSessionRunner(session, { Tensor, contextLimit: 64, prefillChunk: 16, ...options });
}

const TEXT = Int32Array.from({ length: 40 }, (_, i) => (i * 5 + 1) % 3);
/** The plain layout's logits; sums of eighths are the same bits however they are run. */
async function plain(decoder: CountingDecoderOptions): Promise<Float32Array> {
  const runner = await wrap(decoder);
  return (await runner.forward(TEXT)).slice();
}

/** Layouts that exporters write, each of the same model; logits must be the plain layout's whatever the steps. */
describe("a runner runs", () => {
  it.each<[string, CountingDecoderOptions, CountingDecoderOptions]>([
    ["positions of rank 1", { positionIds: true, positionRank: 1 }, { positionIds: true }],
    ["three rows of positions", { positionIds: true, positionRank: 3 }, { positionIds: true }],
    ["a mask of int32", { maskType: "int32" }, {}],
    ["a mask of float32", { maskType: "float32" }, {}],
    ["a mask of bools", { maskType: "bool" }, {}],
    ["tokens of int32", { tokenType: "int32" }, {}],
    ["keys and values in one tensor", { packed: true }, {}],
    ["keys and values in one tensor, float16", { packed: true, type: "float16" }, {}],
    ["the branch with a past of a merged export", { cacheBranch: "plain" }, {}],
    ["a merged export whose branch with a past cannot be without", { cacheBranch: "dummy" }, {}],
    ["a vocabulary below the positions of the trial", { vocabularySize: 3 }, {}],
  ])("%s", async (_name, decoder, same) => {
    const expected = await plain(same);
    const runner = await wrap(decoder);
    expect(runner.describe()).toMatchObject({ rowsAtOnce: Number.POSITIVE_INFINITY });
    for (const steps of [[40], [1], [3], [7, 2, 1]]) {
      runner.rewind(0);
      for (let at = 0, i = 0; at < TEXT.length; i++) {
        const n = Math.min(steps[i % steps.length]!, TEXT.length - at);
        const logits = await runner.forward(TEXT.subarray(at, at + n));
        expect(logits).toEqual(expected.subarray(at * COUNTING_VOCABULARY, (at + n) * COUNTING_VOCABULARY));
        at += n;
        if (at > 20) continue;
        await runner.forward(TEXT.subarray(at, at + 5)); // A draft that does not stand.
        runner.rewind(at);
      }
    }
  });

  it.each<[string, CountingDecoderOptions, Partial<SessionRunnerOptions>, string]>([
    ["a model that takes one token a run", { oneToken: true }, {}, "input_ids takes one token a run"],
    ["every position by itself where that is asked for", {}, { prefillChunk: 1 }, "prefillChunk 1 was asked for"],
  ])("%s", async (_name, decoder, options, rowsAtOnceReason) => {
    const runner = await wrap(decoder, options);
    expect(runner.describe()).toMatchObject({ rowsAtOnce: 1, rowsAtOnceReason });
    expect(await runner.forward(TEXT)).toEqual(await plain({}));
  });

  it("a model that keeps a window shorter than the trial, one position at a time", async () => {
    const runner = await wrap({ window: 4 });
    expect(runner.describe()).toMatchObject({
      rowsAtOnce: 1,
      rowsAtOnceReason: "the model keeps a window of 4 positions",
    });
    const logits = (await runner.forward(TEXT)).slice();
    // The sum of the last four embeddings, however far back it went before.
    runner.rewind(20);
    expect(await runner.forward(TEXT.subarray(20))).toEqual(logits.subarray(20 * COUNTING_VOCABULARY));
    const four = await wrap({});
    expect((await four.forward(TEXT.subarray(36), 1)).slice()).toEqual(logits.subarray(39 * COUNTING_VOCABULARY));
  });

  it("a window that nobody named, to the end of the text", async () => {
    const runner = await wrap({ window: 12 });
    const logits = (await runner.forward(TEXT)).slice();
    const twelve = await wrap({});
    expect((await twelve.forward(TEXT.subarray(28), 1)).slice()).toEqual(logits.subarray(39 * COUNTING_VOCABULARY));
    runner.rewind(9);
    expect(await runner.forward(TEXT.subarray(9))).toEqual(logits.subarray(9 * COUNTING_VOCABULARY));
  });
});
