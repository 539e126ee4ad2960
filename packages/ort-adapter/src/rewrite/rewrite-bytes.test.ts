import { InferenceSession } from "onnxruntime-web";
import { describe, expect, it } from "vitest";
import { smallDecoder } from "../testing/small-decoder.ts";
import { rewriteModelBytes } from "./rewrite-bytes.ts";

describe("rewriteModelBytes", () => {
  it.each(["lean", "rows"] as const)(
    "gives a small graph whose weights are in the original's bytes (%s)",
    async (most) => {
      const model = smallDecoder();
      const rewrite = rewriteModelBytes(model, { most, name: "decoder.onnx" });
      expect(rewrite).toMatchObject({ form: most, locations: ["decoder.onnx"], rowScales: false });
      if (rewrite.form === "none") return;
      expect(rewrite.bytes.length).toBeLessThan(model.length / 4);
      expect(rewrite.traits).toMatchObject({ walls: [], dependence: undefined });
      // Only where the graph's own attention goes on do rows have the same bits at every length.
      expect(rewrite.traits.unsteady === undefined).toBe(most === "rows");
      const session = await InferenceSession.create(rewrite.bytes, {
        executionProviders: ["wasm"],
        externalData: [{ path: "decoder.onnx", data: model }],
      });
      const wanted = most === "lean" ? "nearfree_bias" : "nearfree_past_length";
      expect(session.inputNames).toContain(wanted);
      await session.release();
    },
  );

  it("says why there is none", () => {
    const none = rewriteModelBytes(
      smallDecoder({
        edit: (model) => ({
          ...model,
          graph: {
            ...model.graph,
            inputs: [...model.graph.inputs, { name: "past_conv.0", type: "float32", shape: [1, 4, 3] }],
          },
        }),
      }),
    );
    expect(none).toEqual({ form: "none", reason: "past_conv.0 is state that does not rewind by length" });
  });

  it("refuses bytes that are no model in one line", () => {
    expect(() => rewriteModelBytes(new TextEncoder().encode("<html>"))).toThrow(
      expect.objectContaining({ code: "invalid-model", message: expect.not.stringContaining("\n") }),
    );
  });
});
