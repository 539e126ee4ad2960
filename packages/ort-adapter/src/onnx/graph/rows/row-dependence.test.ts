import { describe, expect, it } from "vitest";
import { intAttribute, intsAttribute, MICROSOFT } from "../../../build/graph-builder.ts";
import { rowsGraph, traitsOf } from "../../../testing/rows-graph.ts";
import { sampleDecoder } from "../../../testing/sample-decoder.ts";

describe("rows depend on each other", () => {
  it("where one activation scale serves them all, the weights being quantised or not", () => {
    const model = rowsGraph(({ graph, hidden }) => {
      graph.addTo(["q", "scale", "zero"], "quantise", "DynamicQuantizeLinear", [hidden]);
      return graph.add("back", "DequantizeLinear", ["q", "scale", "zero"]);
    });
    expect(traitsOf(model).dependence).toBe("one activation scale for all rows of a forward (DynamicQuantizeLinear)");
    const fused = rowsGraph(({ graph, hidden }) => {
      const weights = graph.constant("w", "int8", [8, 8], new Int8Array(64));
      return graph.add("product", "DynamicQuantizeMatMul", [hidden, weights, graph.float32(1)], { domain: MICROSOFT });
    });
    expect(traitsOf(fused).dependence).toContain("DynamicQuantizeMatMul");
  });

  it("by the scale written out by hand", () => {
    const model = rowsGraph(({ graph, hidden }) => {
      const largest = graph.add("largest", "ReduceMax", [graph.add("abs", "Abs", [hidden])]);
      return graph.add("scaled", "Div", [hidden, largest]);
    });
    expect(traitsOf(model).dependence).toBe("ReduceMax over all rows of a forward");
  });

  it("by places in an expert's capacity, counted along the rows", () => {
    const model = rowsGraph(({ graph, hidden }) => {
      const places = graph.add("places", "CumSum", [hidden, graph.int64(0)]);
      return graph.add("kept", "Mul", [hidden, places]);
    });
    expect(traitsOf(model).dependence).toContain("CumSum");
  });
});

describe("rows do not depend on each other", () => {
  it("by quantised weights alone", () => {
    for (const quantisation of ["int4", "fp32"] as const) {
      expect(traitsOf(sampleDecoder({ quantisation })).dependence).toBeUndefined();
    }
  });

  it("by static scales, and by what each row reduces of its own", () => {
    const model = rowsGraph(({ graph, hidden }) => {
      const mean = graph.add("mean", "ReduceMean", [hidden, graph.int64s(-1)]);
      const old = graph.add("old mean", "ReduceMean", [hidden], { attributes: { axes: intsAttribute([-1]) } });
      const none = graph.add("none", "ReduceSum", [hidden], { attributes: { noop_with_empty_axes: intAttribute(1) } });
      const q = graph.add("q", "QuantizeLinear", [none, graph.float32(0.1)]);
      const back = graph.add("back", "DequantizeLinear", [q, graph.float32(0.1)]);
      return graph.add("sum", "Add", [graph.add("means", "Add", [mean, old]), back]);
    });
    expect(traitsOf(model).dependence).toBeUndefined();
  });
});
