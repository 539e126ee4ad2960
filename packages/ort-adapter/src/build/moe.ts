import type { DecoderSpec, DecoderWeights } from "./decoder-spec.ts";
import {
  floatAttribute,
  type GraphBuilder,
  intAttribute,
  MICROSOFT,
  rawBytes,
  stringAttribute,
} from "./graph-builder.ts";
import { INT4_BLOCK, quantiseInt4 } from "./int4.ts";
import { addLinear } from "./linear.ts";
import { interleaveRows, type Matrix, stackRows } from "./matrix.ts";

/**
 * A mixture of SwiGLU experts: the softmax over the chosen experts' router logits weighs what they give. One MoE node, or
 * QMoE where the spec says int4; the router stays fp32. [batch, sequence, hidden] to the same shape.
 */
export function addMoe(g: GraphBuilder, spec: DecoderSpec, weights: DecoderWeights, layer: number, x: string): string {
  const { hiddenSize, intermediateSize } = spec.shape;
  const { count, active } = spec.shape.experts!;
  const scope = `/model/layers.${layer}/mlp`;
  const prefix = `model.layers.${layer}.mlp`;
  const router = weights.matrix(`${prefix}.gate.weight`, count, hiddenSize);
  const scores = addLinear(g, { quantisation: "fp32" }, x, { scope: `${scope}/router`, matrix: router });
  const routing = g.add(`${scope}/router/Reshape`, "Reshape", [scores, g.int64s(-1, count)]);

  const ids = Array.from({ length: count }, (_, id) => id);
  const expert = (id: number, part: string, rows: number, columns: number) =>
    weights.matrix(`${prefix}.experts.${id}.${part}_proj.weight`, rows, columns);
  // The CPU kernels take gate and up as alternating rows of one matrix.
  const first = ids.map((id) =>
    interleaveRows(expert(id, "gate", intermediateSize, hiddenSize), expert(id, "up", intermediateSize, hiddenSize)),
  );
  const second = ids.map((id) => expert(id, "down", hiddenSize, intermediateSize));
  const attributes = {
    k: intAttribute(active),
    activation_type: stringAttribute("swiglu"),
    // SiLU(gate) * up: the operator's own defaults are those of gpt-oss.
    activation_alpha: floatAttribute(1),
    activation_beta: floatAttribute(0),
    swiglu_fusion: intAttribute(1),
    normalize_routing_weights: intAttribute(1),
  };
  if (spec.quantisation === "int4") {
    const constants = [...addInt4Experts(g, `${prefix}.experts.fc1`, first), ""];
    constants.push(...addInt4Experts(g, `${prefix}.experts.fc2`, second));
    return g.add(`${scope}/experts/QMoE`, "QMoE", [x, routing, ...constants], {
      domain: MICROSOFT,
      attributes: { ...attributes, expert_weight_bits: intAttribute(4), block_size: intAttribute(INT4_BLOCK) },
    });
  }
  const constants = [addExperts(g, `${prefix}.experts.fc1`, first), "", addExperts(g, `${prefix}.experts.fc2`, second)];
  return g.add(`${scope}/experts/MoE`, "MoE", [x, routing, ...constants], { domain: MICROSOFT, attributes });
}

/** fp32 [experts, rows, columns]. */
function addExperts(g: GraphBuilder, name: string, experts: readonly Matrix[]): string {
  const { rows, columns } = experts[0]!;
  return g.lazy(`${name}.weight`, "float32", [experts.length, rows, columns], () =>
    rawBytes(stackRows(experts).read()),
  );
}

/** uint8 [experts, rows, columns / 2] and scales [experts, rows, blocks]. */
function addInt4Experts(g: GraphBuilder, name: string, experts: readonly Matrix[]): [string, string] {
  const { rows, columns } = experts[0]!;
  const blocks = columns / INT4_BLOCK;
  const packed = new Uint8Array((experts.length * rows * columns) / 2);
  const scales = new Float32Array(experts.length * rows * blocks);
  for (const [id, expert] of experts.entries()) {
    const one = quantiseInt4(expert.read());
    packed.set(one.packed, id * one.packed.length);
    scales.set(one.scales, id * one.scales.length);
  }
  return [
    g.constant(`${name}.weight_quantized`, "uint8", [experts.length, rows, columns / 2], packed),
    g.constant(`${name}.weight_scales`, "float32", [experts.length, rows, blocks], scales),
  ];
}
