import fc from "fast-check";
import { expect, it } from "vitest";
import { renameModel } from "../../testing/rename-model.ts";
import { sampleDecoder } from "../../testing/sample-decoder.ts";
import type { Attribute, Model, Node } from "../model.ts";
import { byteSource } from "../read/byte-source.ts";
import { encodeModelToBytes } from "../write/writer.ts";
import { summarize } from "./summarize.ts";

function hash(model: Model): string {
  return summarize({ model: byteSource(encodeModelToBytes(model)) }).summary.structureHash;
}

function changeNodes(model: Model, change: (node: Node) => Node): Model {
  return { ...model, graph: { ...model.graph, nodes: model.graph.nodes.map(change) } };
}

const base = sampleDecoder({ quantisation: "int4" });

it("does not depend on names, initializer order, producer or dense weights", () => {
  expect(hash(renameModel(base, (i) => `n${i}`))).toBe(hash(base));
  const zeroed: Model = {
    ...base,
    graph: {
      ...base.graph,
      initializers: base.graph.initializers.map((tensor) =>
        /^int/.test(tensor.type)
          ? tensor
          : { ...tensor, make: undefined, data: new Uint8Array((tensor.data ?? tensor.make!()).length) },
      ),
    },
  };
  expect(hash(zeroed)).toBe(hash(base));
});

it("changes with any shape, operator, quantisation, accuracy level or attention", () => {
  const variants = [
    base,
    sampleDecoder({ quantisation: "int4", accuracyLevel: 0 }),
    sampleDecoder({ quantisation: "int4", accuracyLevel: 1 }),
    sampleDecoder({ quantisation: "fp32" }),
    sampleDecoder({ quantisation: "fp32", attention: "decomposed" }),
    sampleDecoder({ quantisation: "fp32", attention: "decomposed", positionIds: true }),
    changeNodes(base, (node) => (node.opType === "Sigmoid" ? { ...node, opType: "Tanh" } : node)),
    changeNodes(base, (node) => (node.opType === "Sigmoid" ? { ...node, domain: "other" } : node)),
    { ...base, opsets: [{ domain: "", version: 22 }, ...base.opsets.slice(1)] },
    {
      ...base,
      graph: {
        ...base.graph,
        inputs: base.graph.inputs.map((input) => ({ ...input, shape: [1, ...input.shape!.slice(1)] })),
      },
    },
  ];
  expect(new Set(variants.map(hash)).size).toBe(variants.length);
});

it("changes with every attribute and every wire", () => {
  const nodes = base.graph.nodes;
  const before = hash(base);
  fc.assert(
    fc.property(fc.nat({ max: nodes.length - 1 }), fc.boolean(), (index, wire) => {
      const node = nodes[index]!;
      const attributes = new Map<string, Attribute>(node.attributes).set("added", { kind: "int", value: 1 });
      const changed = wire ? { ...node, inputs: [...node.inputs, "input_ids"] } : { ...node, attributes };
      expect(hash(changeNodes(base, (each) => (each === node ? changed : each)))).not.toBe(before);
    }),
    { numRuns: 60 },
  );
});

it("tells axes apart: small integer constants count by value", () => {
  const model = sampleDecoder({ attention: "decomposed" });
  const axes = model.graph.initializers.find(({ type, data }) => type === "int64" && data?.length === 8)!;
  const changed: Model = {
    ...model,
    graph: {
      ...model.graph,
      initializers: model.graph.initializers.map((tensor) =>
        tensor === axes ? { ...axes, data: axes.data!.map((byte) => byte ^ 1) } : tensor,
      ),
    },
  };
  expect(hash(changed)).not.toBe(hash(model));
});
