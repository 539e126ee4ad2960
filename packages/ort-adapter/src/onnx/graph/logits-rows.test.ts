import { describe, expect, it } from "vitest";
import { GraphBuilder, intAttribute } from "../../build/graph-builder.ts";
import { reportOf } from "../../testing/report-of.ts";
import { SAMPLE_SHAPE, sampleDecoder } from "../../testing/sample-decoder.ts";
import type { Model } from "../model.ts";

describe("a pruned head", () => {
  const pick = (operator: "Gather" | "Slice"): Model => {
    const g = new GraphBuilder();
    g.input("hidden", "float32", ["batch", "sequence", 8]);
    g.constant("w", "float32", [8, 24], new Float32Array(192));
    if (operator === "Gather") {
      g.add("/last", "Gather", ["hidden", g.int64s(-1)], { output: "row", attributes: { axis: intAttribute(1) } });
    } else {
      g.add("/last", "Slice", ["hidden", g.int64s(-1), g.int64s(9_007_199_254_740_991), g.int64s(-2)], {
        output: "row",
      });
    }
    g.add("/norm", "SimplifiedLayerNormalization", ["row"], { output: "normed" });
    g.add("/lm_head/MatMul", "MatMul", ["normed", "w"], { output: "logits" });
    g.output("logits", "float32", ["batch", "rows", 24]);
    return g.build("test");
  };

  it.each(["Gather", "Slice"] as const)("is seen by its %s of the last position", (operator) => {
    expect(reportOf(pick(operator)).logitsRows).toBe("last");
  });

  it("is seen by the shape of the logits", () => {
    const model = sampleDecoder();
    const outputs = model.graph.outputs.map((output) =>
      output.name === "logits" ? { ...output, shape: ["batch_size", 1, SAMPLE_SHAPE.vocabularySize] } : output,
    );
    expect(reportOf({ ...model, graph: { ...model.graph, outputs } }).logitsRows).toBe("last");
  });

  it("is none where a run takes one token: its only row is every row", () => {
    const { graph, ...model } = sampleDecoder();
    const inputs = graph.inputs.map((input) => (input.name === "input_ids" ? { ...input, shape: [1, 1] } : input));
    const outputs = graph.outputs.map((output) =>
      output.name === "logits" ? { ...output, shape: [1, 1, SAMPLE_SHAPE.vocabularySize] } : output,
    );
    expect(reportOf({ ...model, graph: { ...graph, inputs, outputs } }).logitsRows).toBe("every");
  });
});
