import { describeRunnerContract } from "@nearfree/core/test";
import { env, InferenceSession, Tensor } from "onnxruntime-web";
import { describe, expect, it } from "vitest";
import { rewriteModelBytes } from "../rewrite/rewrite-bytes.ts";
import { SMALL_SHAPE, type SmallDecoderOptions, smallDecoder } from "../testing/small-decoder.ts";
import { createSessionRunner } from "./session-runner.ts";
import { compareRunners } from "./trial/compare-runners.ts";

env.wasm.numThreads = 1;

const TRAITS = { walls: [], window: undefined, dependence: undefined, coarse: undefined };

async function wrap(decoder: SmallDecoderOptions) {
  const session = await InferenceSession.create(smallDecoder(decoder), { executionProviders: ["wasm"] });
  return createSessionRunner(session, { Tensor, contextLimit: SMALL_SHAPE.contextLimit, prefillChunk: 16 });
}

/** The same model's rewrite, whose weights are the bytes of the original. */
async function wrapRewritten(decoder: SmallDecoderOptions) {
  const data = smallDecoder(decoder);
  const rewrite = rewriteModelBytes(data);
  if (rewrite.form === "none") throw new Error(rewrite.reason);
  const session = await InferenceSession.create(rewrite.bytes, {
    executionProviders: ["wasm"],
    externalData: rewrite.locations.map((path) => ({ path, data })),
  });
  const { contextLimit } = SMALL_SHAPE;
  return createSessionRunner(session, { Tensor, contextLimit, prefillChunk: 16, traits: rewrite.traits });
}

describeRunnerContract("onnxruntime-web wasm, GroupQueryAttention", () => wrap({}));
describeRunnerContract("onnxruntime-web wasm, decomposed attention", () => wrap({ attention: "decomposed" }));
describeRunnerContract("onnxruntime-web wasm, rewritten", () => wrapRewritten({}));
describeRunnerContract("onnxruntime-web wasm, decomposed and rewritten", () =>
  wrapRewritten({ attention: "decomposed" }),
);
describeRunnerContract("onnxruntime-web wasm, int4", () => wrap({ quantisation: "int4" }), { tolerance: 1 });

describe("a session of onnxruntime-web on wasm", () => {
  it("is given a growing cache: outputs are copied out, never written in place", async () => {
    const runner = await wrap({});
    expect(runner.describe().kvCache).toBe("growing");
    await runner.release();
  });

  it("runs a rewritten graph, its weights out of the original's bytes", async () => {
    const original = await wrap({});
    const rewritten = await wrapRewritten({});
    expect(rewritten.describe().kvCache).toBe("lean");
    expect((await compareRunners(original, rewritten, TRAITS)).fault).toBeUndefined();
    for (const runner of [original, rewritten]) await runner.release();
  });
});
