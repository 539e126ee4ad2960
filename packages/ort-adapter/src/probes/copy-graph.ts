import { GraphBuilder } from "../build/graph-builder.ts";
import type { Model } from "../onnx/model.ts";

/** `x [1, n] -> y0 .. [1, n]`, each another multiple of x: outputs that cost the same whether they are fetched or not. */
export function buildCopyGraph(outputs: number): Model {
  const g = new GraphBuilder();
  const x = g.input("x", "float32", [1, "n"]);
  for (let i = 0; i < outputs; i++) {
    g.output(g.add(`/copies.${i}/Mul`, "Mul", [x, g.float32(1 + i / 8)], { output: `y${i}` }), "float32", [1, "n"]);
  }
  return g.build("copies");
}
