import type { DecoderSpec, DecoderWeights } from "./decoder-spec.ts";
import { floatAttribute, type GraphBuilder, intAttribute, MICROSOFT } from "./graph-builder.ts";
import { addLinear } from "./linear.ts";
import { stackRows } from "./matrix.ts";
import { addRotaryCaches, type RotaryCaches } from "./rotary.ts";

/** Adds the attention of one layer to the graph: `x` [batch, sequence, hidden] to the same shape. */
export type AttentionLayer = (layer: number, x: string) => string;

/** Names of a layer's cache tensors: what goes in and what comes out. */
interface LayerCache {
  readonly pastKey: string;
  readonly pastValue: string;
  readonly presentKey: string;
  readonly presentValue: string;
}

/** Declares the cache of one layer among the graph's inputs and outputs, [batch, kvHeads, length, headDim] each. */
export function addLayerCache(g: GraphBuilder, spec: DecoderSpec, layer: number): LayerCache {
  const { kvHeads, headDim } = spec.shape;
  const past = ["batch_size", kvHeads, "past_sequence_length", headDim];
  const present = ["batch_size", kvHeads, "total_sequence_length", headDim];
  return {
    pastKey: g.input(`past_key_values.${layer}.key`, "float32", past),
    pastValue: g.input(`past_key_values.${layer}.value`, "float32", past),
    presentKey: g.output(`present.${layer}.key`, "float32", present),
    presentValue: g.output(`present.${layer}.value`, "float32", present),
  };
}

/**
 * Attention by one GroupQueryAttention node per layer, rotary included. Its lengths come from the attention mask alone,
 * so a shorter mask rewinds, and past and present may be the same memory.
 */
export function gqaAttention(g: GraphBuilder, spec: DecoderSpec, weights: DecoderWeights): AttentionLayer {
  const { heads, kvHeads, headDim, hiddenSize } = spec.shape;
  const lengths = addLengths(g);
  const rotary: RotaryCaches = addRotaryCaches(g, spec.shape);
  return (layer, x) => {
    const scope = `/model/layers.${layer}/attn`;
    const matrix = (part: string, rows: number, columns: number) =>
      weights.matrix(`model.layers.${layer}.self_attn.${part}_proj.weight`, rows, columns);
    const qkv = stackRows([
      matrix("q", heads * headDim, hiddenSize),
      matrix("k", kvHeads * headDim, hiddenSize),
      matrix("v", kvHeads * headDim, hiddenSize),
    ]);
    const packed = addLinear(g, spec, x, { scope: `${scope}/qkv_proj`, matrix: qkv });
    const cache = addLayerCache(g, spec, layer);
    const name = `${scope}/GroupQueryAttention`;
    const output = `${name}/output_0`;
    g.addTo(
      [output, cache.presentKey, cache.presentValue],
      name,
      "GroupQueryAttention",
      [packed, "", "", cache.pastKey, cache.pastValue, lengths.last, lengths.total, rotary.cos, rotary.sin],
      {
        domain: MICROSOFT,
        attributes: {
          num_heads: intAttribute(heads),
          kv_num_heads: intAttribute(kvHeads),
          scale: floatAttribute(headDim ** -0.5),
          do_rotary: intAttribute(1),
          rotary_interleaved: intAttribute(0),
        },
      },
    );
    return addLinear(g, spec, output, { scope: `${scope}/o_proj`, matrix: matrix("o", hiddenSize, heads * headDim) });
  };
}

/** int32 lengths for GroupQueryAttention: index of each row's last position [batch, 1], and the longest total, a scalar. */
function addLengths(g: GraphBuilder): { readonly last: string; readonly total: string } {
  const scope = "/model/attention_lengths";
  const attributes = { to: intAttribute(6) }; // INT32
  const sum = g.add(`${scope}/ReduceSum`, "ReduceSum", ["attention_mask", g.int64s(1)]);
  const last = g.add(`${scope}/Sub`, "Sub", [sum, g.int64(1)]);
  const shape = g.add(`${scope}/Shape`, "Shape", ["attention_mask"]);
  const total = g.add(`${scope}/Gather`, "Gather", [shape, g.int64(1)]);
  return {
    last: g.add(`${scope}/last/Cast`, "Cast", [last], { attributes }),
    total: g.add(`${scope}/total/Cast`, "Cast", [total], { attributes }),
  };
}
