import { describeBatchRunnerContract } from "@nearfree/core/test";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { buildDecoder } from "../../build/decoder.ts";
import type { DecoderSpec } from "../../build/decoder-spec.ts";
import { GENERATED_SHAPES } from "../../build/generated-shapes.ts";
import { randomWeights } from "../../build/random-weights.ts";
import type { Model } from "../../onnx/model.ts";
import { encodeModelToBytes } from "../../onnx/write/writer.ts";
import { type CacheNames, cacheNames } from "../../rewrite/cache-names.ts";
import { rewriteDecoder } from "../../rewrite/rewrite-decoder.ts";
import { createSessionRunner } from "../session-runner.ts";
import { createBatchRunner } from "./batch-runner.ts";

const SHAPE = { ...GENERATED_SHAPES.tiny, contextLimit: 128 };

function decoder(spec: Partial<DecoderSpec> = {}): Model {
  return buildDecoder({ shape: SHAPE, attention: "gqa", quantisation: "fp32", ...spec }, randomWeights(3));
}

/** Gives every attention a window, as exporters write it. */
function withWindow(model: Model, window: number): Model {
  const nodes = model.graph.nodes.map((node) => {
    if (node.opType !== "GroupQueryAttention") return node;
    const attributes = new Map(node.attributes).set("local_window_size", { kind: "int", value: window });
    return { ...node, attributes };
  });
  return { ...model, graph: { ...model.graph, nodes } };
}

const open = (model: Model) =>
  InferenceSession.create(encodeModelToBytes(model), { intraOpNumThreads: 1, logSeverityLevel: 4 });

async function make(model: Model) {
  const rewrite = rewriteDecoder(model, cacheNames(model) as readonly CacheNames[]);
  if (rewrite.form === "none") throw new Error(rewrite.reason);
  const { contextLimit } = SHAPE;
  return {
    batch: await createBatchRunner(await open(rewrite.model), { Tensor, contextLimit, slots: 4 }),
    alone: await createSessionRunner(await open(model), { Tensor, contextLimit }),
  };
}

describeBatchRunnerContract("fp32 GroupQueryAttention", () => make(decoder()));
describeBatchRunnerContract("fp32 GroupQueryAttention in a window of 8", () => make(withWindow(decoder(), 8)));
describeBatchRunnerContract("a mixture of experts", () =>
  make(decoder({ shape: { ...SHAPE, experts: { count: 4, active: 2 } } })),
);

describe("createBatchRunner refuses", () => {
  const { contextLimit } = SHAPE;
  it.each([
    ["a graph that was not rewritten", decoder()],
    ["one that keeps its own mask", rewritten(decoder({ attention: "decomposed" }))],
  ])("%s", async (_name, model) => {
    await expect(createBatchRunner(await open(model), { Tensor, contextLimit })).rejects.toMatchObject({
      code: "unsupported-model",
      message: expect.stringMatching(/a rewritten graph whose mask is an input.*kvCache lean/),
    });
  });

  it("a graph that changes with the length, and rows that depend on each other", async () => {
    const traits = { walls: [64], window: undefined, dependence: undefined, coarse: undefined };
    const make = async (change: object, limit = contextLimit) =>
      createBatchRunner(await open(rewritten(decoder())), {
        Tensor,
        contextLimit: limit,
        traits: { ...traits, ...change },
      });
    await expect(make({})).rejects.toMatchObject({ message: expect.stringContaining("changes at position 64") });
    await expect(make({ dependence: "one scale" })).rejects.toMatchObject({ code: "unsupported-model" });
    await expect(make({}, 0)).rejects.toMatchObject({ code: "invalid-argument" });
    await expect(make({}, 60)).resolves.toBeDefined();
  });
});

function rewritten(model: Model): Model {
  const rewrite = rewriteDecoder(model, cacheNames(model) as readonly CacheNames[]);
  if (rewrite.form === "none") throw new Error(rewrite.reason);
  return rewrite.model;
}
