import { describeRunnerContract } from "@nearfree/core/test";
import { env, InferenceSession, Tensor } from "onnxruntime-web";
import { describe, expect, it } from "vitest";
import { SMALL_SHAPE, type SmallDecoderOptions, smallDecoder } from "../testing/small-decoder.ts";
import { createSessionRunner } from "./session-runner.ts";

env.wasm.numThreads = 1;

async function wrap(decoder: SmallDecoderOptions) {
  const session = await InferenceSession.create(smallDecoder(decoder), { executionProviders: ["wasm"] });
  return createSessionRunner(session, { Tensor, contextLimit: SMALL_SHAPE.contextLimit, prefillChunk: 16 });
}

describeRunnerContract("onnxruntime-web wasm, GroupQueryAttention", () => wrap({}));
describeRunnerContract("onnxruntime-web wasm, decomposed attention", () => wrap({ attention: "decomposed" }));
describeRunnerContract("onnxruntime-web wasm, int4", () => wrap({ quantisation: "int4" }), { tolerance: 1 });

describe("a session of onnxruntime-web on wasm", () => {
  it("is given a growing cache: outputs are copied out, never written in place", async () => {
    const runner = await wrap({});
    expect(runner.describe().kvCache).toBe("growing");
    await runner.release();
  });
});
