import type { DecoderSpec, DecoderWeights } from "./decoder-spec.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import { addLinear } from "./linear.ts";

/** SwiGLU: down(silu(gate(x)) * up(x)), [batch, sequence, hidden] to the same shape. */
export function addMlp(g: GraphBuilder, spec: DecoderSpec, weights: DecoderWeights, layer: number, x: string): string {
  const { hiddenSize, intermediateSize } = spec.shape;
  const scope = `/model/layers.${layer}/mlp`;
  const project = (part: string, input: string, rows: number, columns: number) => {
    const matrix = weights.matrix(`model.layers.${layer}.mlp.${part}.weight`, rows, columns);
    return addLinear(g, spec, input, { scope: `${scope}/${part}`, matrix });
  };
  const gate = project("gate_proj", x, intermediateSize, hiddenSize);
  const up = project("up_proj", x, intermediateSize, hiddenSize);
  const sigmoid = g.add(`${scope}/act_fn/Sigmoid`, "Sigmoid", [gate]);
  const silu = g.add(`${scope}/act_fn/Mul`, "Mul", [gate, sigmoid]);
  const product = g.add(`${scope}/Mul`, "Mul", [silu, up]);
  return project("down_proj", product, hiddenSize, intermediateSize);
}
