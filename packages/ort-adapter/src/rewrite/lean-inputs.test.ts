import { describe, expect, it } from "vitest";
import { cacheGraph } from "../testing/cache-graph.ts";
import { addBiasInput, biasName, PAST_LENGTH, pastLength, windowOfBias } from "./lean-inputs.ts";

describe("the inputs of a rewritten graph", () => {
  it.each([undefined, 1, 4096])("carry their window in their name: %s", (window) => {
    expect(windowOfBias(biasName(window))).toBe(window);
  });

  it.each(["past_key_values.0.key", "nearfree_bias_", "nearfree_bias_x", "nearfree_biases"])("are not: %s", (name) => {
    expect(windowOfBias(name)).toBeNull();
  });

  it("are declared once, with types and shapes", () => {
    const g = cacheGraph(({ concat }) => concat("present"));
    expect(addBiasInput(g, 8)).toBe(addBiasInput(g, 8));
    expect(g.inputs.get("nearfree_bias_8")).toMatchObject({
      type: "float32",
      shape: ["bias_batch", 1, "sequence_length", "columns"],
    });
    expect(pastLength(g)).toBe(PAST_LENGTH);
    expect(g.inputs.get(PAST_LENGTH)).toMatchObject({ type: "int64", shape: [1] });
  });
});
