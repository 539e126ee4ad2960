import { expect, it } from "vitest";
import { intAttribute, MICROSOFT, typeAttribute } from "../../../build/graph-builder.ts";
import { rowsGraph, traitsOf } from "../../../testing/rows-graph.ts";
import { sampleDecoder } from "../../../testing/sample-decoder.ts";
import { mergedDecoder, withFunction } from "../../../testing/wrapped-decoder.ts";

function nBits(level: number | undefined) {
  return rowsGraph(({ graph, hidden }) => {
    const weights = graph.constant("w", "uint8", [8, 1, 4], new Uint8Array(32));
    const attributes = { N: intAttribute(8), K: intAttribute(8), bits: intAttribute(4), block_size: intAttribute(16) };
    return graph.add("product", "MatMulNBits", [hidden, weights], {
      domain: MICROSOFT,
      attributes: { ...attributes, ...(level !== undefined && { accuracy_level: intAttribute(level) }) },
    });
  });
}

it("MatMulNBits is coarse where it computes in less than fp32, as its accuracy level says", () => {
  expect([undefined, 0, 1, 2, 3, 4].map((level) => traitsOf(nBits(level)).coarse)).toEqual([
    undefined,
    undefined,
    undefined,
    "MatMulNBits at accuracy level 2 (float16 activations)",
    "MatMulNBits at accuracy level 3 (bfloat16 activations)",
    "MatMulNBits at accuracy level 4 (int8 activations)",
  ]);
  expect(traitsOf(nBits(4)).hidden).toBeUndefined();
});

it("float16 activations are coarse; fp32 ones are not", () => {
  const half = rowsGraph(({ graph, hidden }) => {
    const narrow = graph.add("narrow", "Cast", [hidden], { attributes: { to: typeAttribute("float16") } });
    const product = graph.add("product", "MatMul", [
      narrow,
      graph.constant("w", "float16", [8, 8], new Uint16Array(64)),
    ]);
    return graph.add("wide", "Cast", [product], { attributes: { to: typeAttribute("float32") } });
  });
  expect(traitsOf(half)).toMatchObject({ coarse: "float16 activations", hidden: "float16 activations" });
  expect(traitsOf(sampleDecoder()).coarse).toBeUndefined();
});

it("narrow weights in front of a MatMul count as what ONNX Runtime makes of them", () => {
  const model = rowsGraph(({ graph, hidden }) => {
    const weights = graph.constant("w", "int4", [8, 8], new Uint8Array(32));
    return graph.add("product", "MatMul", [hidden, graph.add("dq", "DequantizeLinear", [weights, graph.float32(1)])]);
  });
  expect(traitsOf(model).coarse).toContain("DequantizeLinear of int4 weights");
});

it("a static scale rounds a difference of one bit up to a step", () => {
  const model = rowsGraph(({ graph, hidden }) =>
    graph.add("back", "DequantizeLinear", [
      graph.add("q", "QuantizeLinear", [hidden, graph.float32(0.1)]),
      graph.float32(0.1),
    ]),
  );
  const words = "QuantizeLinear of activations";
  expect(traitsOf(model)).toMatchObject({ coarse: words, hidden: words });
});

it("kernels in every branch and in local functions count", () => {
  const int4 = sampleDecoder({ quantisation: "int4" });
  const expected = traitsOf(int4).coarse;
  expect(expected).toContain("accuracy level 4");
  expect(traitsOf(mergedDecoder(int4)).coarse).toBe(expected);
  expect(traitsOf(withFunction(int4)).coarse).toBe(expected);
});
