import { type AttentionCore, type AttentionLayer, addLayerCache, attentionMatrices } from "./attention.ts";
import type { DecoderSpec, DecoderWeights } from "./decoder-spec.ts";
import { floatAttribute, type GraphBuilder, intAttribute, MICROSOFT, typeAttribute } from "./graph-builder.ts";
import { addLinear } from "./linear.ts";
import { stackRows } from "./matrix.ts";
import { addRotaryCaches } from "./rotary.ts";

/**
 * Attention by one GroupQueryAttention node per layer, rotary included. Its lengths come from the attention mask alone,
 * so a shorter mask rewinds, and past and present may be the same memory.
 */
export function gqaAttention(g: GraphBuilder, spec: DecoderSpec, weights: DecoderWeights): AttentionLayer {
  const core = gqaCore(g, spec);
  return (layer, x) => {
    const scope = `/model/layers.${layer}/attn`;
    const { q, k, v, o } = attentionMatrices(spec, weights, layer);
    const packed = addLinear(g, spec, x, { scope: `${scope}/qkv_proj`, matrix: stackRows([q, k, v]) });
    const output = core(layer, { q: packed, k: "", v: "" });
    return addLinear(g, spec, output, { scope: `${scope}/o_proj`, matrix: o });
  };
}

/** The node alone. Queries, keys and values may come packed in `q`, the other two empty. */
export function gqaCore(g: GraphBuilder, spec: DecoderSpec): AttentionCore {
  const { heads, kvHeads, headDim } = spec.shape;
  const lengths = addLengths(g);
  const rotary = addRotaryCaches(g, spec.shape);
  const attributes = {
    num_heads: intAttribute(heads),
    kv_num_heads: intAttribute(kvHeads),
    scale: floatAttribute(headDim ** -0.5),
    do_rotary: intAttribute(1),
    rotary_interleaved: intAttribute(0),
  };
  return (layer, { q, k, v }) => {
    const cache = addLayerCache(g, spec, layer);
    const name = `/model/layers.${layer}/attn/GroupQueryAttention`;
    const output = `${name}/output_0`;
    g.addTo(
      [output, cache.presentKey, cache.presentValue],
      name,
      "GroupQueryAttention",
      [q, k, v, cache.pastKey, cache.pastValue, lengths.last, lengths.total, rotary.cos, rotary.sin],
      { domain: MICROSOFT, attributes },
    );
    return output;
  };
}

/** int32 lengths for GroupQueryAttention: index of each row's last position [batch, 1], and the longest total, a scalar. */
function addLengths(g: GraphBuilder): { readonly last: string; readonly total: string } {
  const scope = "/model/attention_lengths";
  const attributes = { to: typeAttribute("int32") };
  const sum = g.add(`${scope}/ReduceSum`, "ReduceSum", ["attention_mask", g.int64s(1)]);
  const last = g.add(`${scope}/Sub`, "Sub", [sum, g.int64(1)]);
  const shape = g.add(`${scope}/Shape`, "Shape", ["attention_mask"]);
  const total = g.add(`${scope}/Gather`, "Gather", [shape, g.int64(1)]);
  return {
    last: g.add(`${scope}/last/Cast`, "Cast", [last], { attributes }),
    total: g.add(`${scope}/total/Cast`, "Cast", [total], { attributes }),
  };
}
