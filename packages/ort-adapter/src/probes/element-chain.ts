import { GraphBuilder } from "../build/graph-builder.ts";
import type { Model } from "../onnx/model.ts";

/** `x [1, n, width] -> y` through `nodes` additions of a vector: what a decoder's nodes without weights cost. */
export function buildElementChain({ width, nodes }: { readonly width: number; readonly nodes: number }): Model {
  const g = new GraphBuilder();
  let value = g.input("x", "float32", [1, "n", width]);
  for (let node = 0; node < nodes; node++) {
    // Multiplication and addition in turn: two of a kind in a row might be folded into one.
    const vector = g.constant(
      `vector.${node}`,
      "float32",
      [width],
      new Float32Array(width).fill(1 + 1e-4 * (node + 1)),
    );
    value = g.add(`/nodes.${node}`, node % 2 === 0 ? "Add" : "Mul", [value, vector]);
  }
  g.output(g.add("/end/Identity", "Identity", [value], { output: "y" }), "float32", [1, "n", width]);
  return g.build("element-chain");
}
