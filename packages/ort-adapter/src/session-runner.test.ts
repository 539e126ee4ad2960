import { describeRunnerContract } from "@nearfree/core/test";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import type { KvCacheMode } from "./find-kv-cache.ts";
import { createSessionRunner } from "./session-runner.ts";
import type { SmallDecoderOptions } from "./testing/small-decoder.ts";
import { SMALL_SHAPE, smallDecoder } from "./testing/small-decoder.ts";

const SINGLE_THREAD = { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 } as const;
const { contextLimit } = SMALL_SHAPE;

async function runnerFor(decoder: SmallDecoderOptions, kvCache: KvCacheMode = "auto") {
  const session = await InferenceSession.create(smallDecoder(decoder), SINGLE_THREAD);
  return createSessionRunner(session, { Tensor, contextLimit, kvCache, kvChunk: 8, prefillChunk: 16 });
}

describeRunnerContract("GroupQueryAttention, fp32, in place", () => runnerFor({}));
describeRunnerContract("GroupQueryAttention, fp32, growing", () => runnerFor({}, "growing"));
// int8 activations round differently at n = 1.
describeRunnerContract("GroupQueryAttention, int4", () => runnerFor({ quantisation: "int4" }), { tolerance: 1 });

describe("createSessionRunner", () => {
  it("finds that GroupQueryAttention can be kept in place", async () => {
    expect((await runnerFor({})).describe()).toEqual({
      vocabularySize: SMALL_SHAPE.vocabularySize,
      contextLimit,
      batchLimit: 1,
      kvCache: "in-place",
    });
  });
});
