import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { buildDecoder } from "../../build/decoder.ts";
import type { DecoderSpec } from "../../build/decoder-spec.ts";
import { GENERATED_SHAPES } from "../../build/generated-shapes.ts";
import { floatAttribute, intAttribute } from "../../build/graph-builder.ts";
import { randomWeights } from "../../build/random-weights.ts";
import type { RowTraits } from "../../onnx/graph/rows/row-traits.ts";
import type { Attribute, Model, Node } from "../../onnx/model.ts";
import { encodeModelToBytes } from "../../onnx/write/writer.ts";
import { cacheNames } from "../../rewrite/cache-names.ts";
import { rewriteDecoder } from "../../rewrite/rewrite-decoder.ts";
import { createSessionRunner } from "../session-runner.ts";
import { compareRunners } from "./compare-runners.ts";

const SHAPE = { ...GENERATED_SHAPES.tiny, contextLimit: 64 };
const TRAITS: RowTraits = { walls: [], window: undefined, dependence: undefined, coarse: undefined };

function decoder(spec: Partial<DecoderSpec> = {}): Model {
  return buildDecoder({ shape: SHAPE, attention: "gqa", quantisation: "fp32", ...spec }, randomWeights(5));
}

function rewritten(model: Model): Model {
  const names = cacheNames(model);
  if (typeof names === "string") throw new Error(names);
  const rewrite = rewriteDecoder(model, names);
  if (rewrite.form === "none") throw new Error(rewrite.reason);
  return rewrite.model;
}

async function difference(original: Model, candidate: Model, traits = TRAITS) {
  const runners = await Promise.all(
    [original, candidate].map(async (model) => {
      const session = await InferenceSession.create(encodeModelToBytes(model), { logSeverityLevel: 3 });
      return { session, runner: await createSessionRunner(session, { Tensor, contextLimit: 64 }) };
    }),
  );
  const [reference, other] = runners.map(({ runner }) => runner);
  const result = await compareRunners(reference!, other!, traits);
  for (const { runner, session } of runners) {
    expect(runner.length).toBe(0);
    await runner.release();
    await session.release();
  }
  return result;
}

/** The model with some of its nodes changed. */
function changed(model: Model, change: (node: Node) => Node): Model {
  return { ...model, graph: { ...model.graph, nodes: model.graph.nodes.map(change) } };
}

const withAttribute = (node: Node, name: string, value: Attribute): Node => ({
  ...node,
  attributes: new Map([...node.attributes, [name, value]]),
});

describe("compareRunners", () => {
  it.each(["gqa", "decomposed"] as const)("finds a right rewrite right (%s)", async (attention) => {
    const model = decoder({ attention });
    const { fault, largestError } = await difference(model, rewritten(model));
    expect(fault).toBeUndefined();
    expect(largestError).toBeLessThan(1e-4);
  });

  it("allows int4 kernels their rounding", async () => {
    const model = decoder({ quantisation: "int4" });
    const { fault } = await difference(model, rewritten(model), { ...TRAITS, coarse: "MatMulNBits" });
    expect(fault).toBeUndefined();
  });

  const FAULTS: [string, (node: Node) => Node][] = [
    [
      "another scale",
      (node) =>
        node.opType === "FusedMatMul"
          ? withAttribute(node, "alpha", floatAttribute(SHAPE.headDim ** -0.5 * 1.5))
          : node,
    ],
    [
      "heads in another order",
      (node) =>
        node.opType === "Transpose" && /q\/heads/.test(node.name)
          ? withAttribute(node, "perm", { kind: "ints", value: [0, 3, 2, 1, 4] })
          : node,
    ],
    [
      "keys turned the other way",
      (node) =>
        node.opType === "RotaryEmbedding" && /\/k\//.test(node.name)
          ? withAttribute(node, "interleaved", intAttribute(1))
          : node,
    ],
    ["a forgotten mask", (node) => (node.name.endsWith("/biased") ? { ...node, opType: "Max" } : node)],
    [
      "values of the past left out",
      (node) => (node.name.endsWith("/mixed") ? { ...node, inputs: [node.inputs[1]!, node.inputs[1]!] } : node),
    ],
  ];
  it.each(FAULTS)("finds %s", async (_name, change) => {
    const model = decoder();
    // A fault is planted in every layer: the graph still runs.
    const { fault, largestError } = await difference(model, changed(rewritten(model), change));
    expect(fault).toMatch(/off by/);
    expect(largestError).toBeGreaterThan(0.01);
  });

  it("looks beyond a window that is near", async () => {
    const windowed = (window: number) =>
      changed(decoder(), (node) =>
        node.opType === "GroupQueryAttention" ? withAttribute(node, "local_window_size", intAttribute(window)) : node,
      );
    const traits = { ...TRAITS, window: 30 };
    expect((await difference(windowed(30), rewritten(windowed(30)), traits)).fault).toBeUndefined();
    expect((await difference(windowed(30), rewritten(windowed(29)), traits)).fault).toMatch(/off by/);
  });
});
