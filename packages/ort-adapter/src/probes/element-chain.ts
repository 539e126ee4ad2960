import { floatAttribute, GraphBuilder, MICROSOFT } from "../build/graph-builder.ts";
import type { Model } from "../onnx/model.ts";
import { addFirstRow } from "./first-row.ts";

/** Kernels of one block once ONNX Runtime has fused the Sigmoid into its Mul: a product, a SiLU, a residual sum with its norm. */
export const NODES_PER_BLOCK = 3;

/** `x [1, n, width] -> y [1, 1, width]` through blocks of what a decoder has between its products: as many products as SiLUs and norms. */
export function buildElementChain({ width, blocks }: { readonly width: number; readonly blocks: number }): Model {
  const g = new GraphBuilder();
  const vector = (name: string, value: number) =>
    g.constant(name, "float32", [width], new Float32Array(width).fill(value));
  let value = g.input("x", "float32", [1, "n", width]);
  for (let block = 0; block < blocks; block++) {
    const scope = `/blocks.${block}`;
    const scaled = g.add(`${scope}/Mul`, "Mul", [value, vector(`vector.${block}`, 1 + 1e-3 * (block + 1))]);
    const sigmoid = g.add(`${scope}/act/Sigmoid`, "Sigmoid", [scaled]);
    const silu = g.add(`${scope}/act/Mul`, "Mul", [scaled, sigmoid]);
    const output = `${scope}/SkipLayerNorm/output_0`;
    const inputs = [silu, value, vector(`scale.${block}`, 1)];
    g.addTo([output], `${scope}/SkipLayerNorm`, "SkipSimplifiedLayerNormalization", inputs, {
      domain: MICROSOFT,
      attributes: { epsilon: floatAttribute(1e-5) },
    });
    value = output;
  }
  addFirstRow(g, value, width);
  return g.build("element-chain");
}
