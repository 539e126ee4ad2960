import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { rawBytes } from "../../build/graph-builder.ts";
import type { Attribute, Model, Node, Tensor as Weights } from "../../onnx/model.ts";
import { encodeModelToBytes } from "../../onnx/write/writer.ts";
import { SAMPLE_SHAPE, sampleDecoder } from "../../testing/sample-decoder.ts";
import { unpruneHead } from "./unprune-head.ts";

const ROWS = 3;
const WIDTH = SAMPLE_SHAPE.vocabularySize;

const int64s = (name: string, dims: readonly number[], ...values: number[]): Weights => ({
  name,
  type: "int64",
  dims,
  data: rawBytes(BigInt64Array.from(values, BigInt)),
});

const node = (
  opType: string,
  inputs: readonly string[],
  output: string,
  attributes: Record<string, Attribute> = {},
): Node => ({
  name: `/prune/${opType}`,
  opType,
  domain: "",
  inputs,
  outputs: [output],
  attributes: new Map(Object.entries(attributes)),
});

/** A decoder with `pick` between the last norm, `hidden`, and the head, which reads `last`. */
function pruned(constants: readonly Weights[], ...pick: ((hidden: string) => Node)[]): Model {
  const { graph, ...model } = sampleDecoder({ attention: "decomposed" });
  const at = graph.nodes.findIndex(({ outputs }) => outputs.includes("logits"));
  const head = graph.nodes[at]!;
  const nodes = [
    ...graph.nodes.slice(0, at),
    ...pick.map((make) => make(head.inputs[0]!)),
    { ...head, inputs: ["last", ...head.inputs.slice(1)] },
  ];
  const outputs = graph.outputs.map((value) =>
    value.name === "logits" ? { ...value, shape: ["batch_size", 1, WIDTH] } : value,
  );
  return { ...model, graph: { ...graph, nodes, outputs, initializers: [...graph.initializers, ...constants] } };
}

async function logitsOf(model: Model): Promise<Tensor> {
  const session = await InferenceSession.create(encodeModelToBytes(model), { logSeverityLevel: 3 });
  const feeds: Record<string, Tensor> = {
    input_ids: new Tensor("int64", BigInt64Array.of(5n, 6n, 7n), [1, ROWS]),
    attention_mask: new Tensor("int64", BigInt64Array.of(1n, 1n, 1n), [1, ROWS]),
  };
  const { kvHeads, headDim } = SAMPLE_SHAPE;
  for (const name of session.inputNames.filter((each) => each.startsWith("past"))) {
    feeds[name] = new Tensor("float32", new Float32Array(0), [1, kvHeads, 0, headDim]);
  }
  const { logits } = await session.run(feeds);
  await session.release();
  return logits as Tensor;
}

const AXIS: Record<string, Attribute> = { axis: { kind: "int", value: 1 } };
const SCALAR = int64s("minus_one", [], -1);
const VECTOR = int64s("minus_one", [1], -1);
const ONE = int64s("one", [1], 1);
const END = int64s("end", [1], 2 ** 31 - 1);
const gather = (output: string) => (hidden: string) => node("Gather", [hidden, "minus_one"], output, AXIS);

const FORMS: Record<string, () => Model> = {
  "a Gather with a scalar and an Unsqueeze": () =>
    pruned([SCALAR, ONE], gather("row"), () => node("Unsqueeze", ["row", "one"], "last")),
  "a Gather with a vector": () => pruned([VECTOR], gather("last")),
  "a Slice": () => pruned([VECTOR, ONE, END], (hidden) => node("Slice", [hidden, "minus_one", "end", "one"], "last")),
  "a Gather before another operator": () => pruned([VECTOR], gather("row"), () => node("Identity", ["row"], "last")),
};

describe("unpruneHead", () => {
  it.each(Object.entries(FORMS))("gives every row again after %s", async (_name, make) => {
    const model = make();
    expect((await logitsOf(model)).dims).toEqual([1, 1, WIDTH]);
    const result = unpruneHead(model);
    if ("reason" in result) throw new Error(result.reason);
    const [found, expected] = [
      await logitsOf(result.model),
      await logitsOf(sampleDecoder({ attention: "decomposed" })),
    ];
    expect(found.dims).toEqual([1, ROWS, WIDTH]);
    expect(found.data).toEqual(expected.data);
  });

  it("leaves a head alone whose graph does not show what it picks, and says what stands in the way", () => {
    const first = pruned([int64s("minus_one", [1], 0)], gather("last"));
    expect(unpruneHead(first)).toEqual({ reason: expect.stringMatching(/^Gather .* stands between/) });
    const mean = pruned([], (hidden) => node("ReduceMean", [hidden], "last"));
    expect(unpruneHead(mean)).toEqual({ reason: expect.stringMatching(/^ReduceMean .* stands between/) });
    const part = pruned([VECTOR, ONE], (hidden) => node("Slice", [hidden, "minus_one", "one", "one"], "last"));
    expect(unpruneHead(part)).toHaveProperty("reason");
  });
});
