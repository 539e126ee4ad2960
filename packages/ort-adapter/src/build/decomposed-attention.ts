import { type AttentionCore, type AttentionLayer, addLayerCache, attentionMatrices } from "./attention.ts";
import type { DecoderSpec, DecoderWeights } from "./decoder-spec.ts";
import { type GraphBuilder, intAttribute, intsAttribute, MICROSOFT, typeAttribute } from "./graph-builder.ts";
import { addLinear } from "./linear.ts";
import { addRotaryCaches } from "./rotary.ts";

/** Added to the score of a position that may not be seen. Finite, so that a row of padding gives numbers, not NaN. */
const MASKED = -1e9;

/**
 * Attention in plain operators, for any batch. The mask may hold zeros anywhere, which is how sequences of unequal length
 * share a batch; positions count the ones before, unless the spec declares `position_ids`. The cache grows at every step.
 */
export function decomposedAttention(g: GraphBuilder, spec: DecoderSpec, weights: DecoderWeights): AttentionLayer {
  const core = decomposedCore(g, spec);
  return (layer, x) => {
    const scope = `/model/layers.${layer}/attn`;
    const matrices = attentionMatrices(spec, weights, layer);
    const [q, k, v] = (["q", "k", "v"] as const).map((part) =>
      addLinear(g, spec, x, { scope: `${scope}/${part}_proj`, matrix: matrices[part] }),
    );
    return addLinear(g, spec, core(layer, { q: q!, k: k!, v: v! }), { scope: `${scope}/o_proj`, matrix: matrices.o });
  };
}

/** The same between the projections: rotary, cache, scores and their use. */
export function decomposedCore(g: GraphBuilder, spec: DecoderSpec): AttentionCore {
  const { heads, kvHeads, headDim } = spec.shape;
  const span = addSpan(g);
  const bias = addMaskBias(g, span);
  const positions = spec.positionIds
    ? g.input("position_ids", "int64", ["batch_size", "sequence_length"])
    : addPositions(g, span);
  const rotary = addRotaryCaches(g, spec.shape);
  const rotate = (name: string, x: string) =>
    g.add(name, "RotaryEmbedding", [x, positions, rotary.cos, rotary.sin], { domain: MICROSOFT });
  // The query heads of a group share a K/V head by broadcasting over axis 2: K and V are never repeated.
  const groups = heads / kvHeads;
  const scale = g.float32(headDim ** -0.5);

  return (layer, { q, k, v }) => {
    const scope = `/model/layers.${layer}/attn`;
    const cache = addLayerCache(g, spec, layer);
    const split = (name: string, value: string, perm: number[], ...dims: number[]) => {
      const shaped = g.add(`${scope}/${name}/Reshape`, "Reshape", [value, g.int64s(0, -1, ...dims, headDim)]);
      return g.add(`${scope}/${name}/Transpose`, "Transpose", [shaped], { attributes: { perm: intsAttribute(perm) } });
    };
    const extend = (name: string, past: string, now: string, present: string) => {
      const attributes = { axis: intAttribute(2) };
      g.add(`${scope}/${name}/Concat`, "Concat", [past, now], { output: present, attributes });
      return g.add(`${scope}/${name}/Unsqueeze`, "Unsqueeze", [present, g.int64s(2)]);
    };
    const queries = split("q", rotate(`${scope}/q/RotaryEmbedding`, q), [0, 2, 3, 1, 4], kvHeads, groups);
    const turned = split("k", rotate(`${scope}/k/RotaryEmbedding`, k), [0, 2, 1, 3], kvHeads);
    const keys = extend("k", cache.pastKey, turned, cache.presentKey);
    const values = extend("v", cache.pastValue, split("v", v, [0, 2, 1, 3], kvHeads), cache.presentValue);

    const scaled = g.add(`${scope}/scale/Mul`, "Mul", [queries, scale]);
    const columns = g.add(`${scope}/keys/Transpose`, "Transpose", [keys], {
      attributes: { perm: intsAttribute([0, 1, 2, 4, 3]) },
    });
    const scores = g.add(`${scope}/scores/MatMul`, "MatMul", [scaled, columns]);
    const masked = g.add(`${scope}/scores/Add`, "Add", [scores, bias]);
    const shares = g.add(`${scope}/Softmax`, "Softmax", [masked], { attributes: { axis: intAttribute(-1) } });
    const mixed = g.add(`${scope}/values/MatMul`, "MatMul", [shares, values]);
    const rows = g.add(`${scope}/output/Transpose`, "Transpose", [mixed], {
      attributes: { perm: intsAttribute([0, 3, 1, 2, 4]) },
    });
    return g.add(`${scope}/output/Reshape`, "Reshape", [rows, g.int64s(0, 0, heads * headDim)]);
  };
}

/** Where the new positions stand among all: int64 vectors of one element. */
interface Span {
  /** Positions before: total less the new ones. */
  readonly past: string;
  readonly total: string;
}

function addSpan(g: GraphBuilder): Span {
  const scope = "/model/span";
  const length = (name: string) => {
    const shape = g.add(`${scope}/${name}/Shape`, "Shape", [name]);
    return g.add(`${scope}/${name}/Gather`, "Gather", [shape, g.int64s(1)]);
  };
  const total = length("attention_mask");
  return { total, past: g.add(`${scope}/Sub`, "Sub", [total, length("input_ids")]) };
}

/** [batch, sequence]: for each new position the number of ones before it in the mask. */
function addPositions(g: GraphBuilder, { past, total }: Span): string {
  const scope = "/model/positions";
  const counts = g.add(`${scope}/CumSum`, "CumSum", ["attention_mask", g.int64(1)]);
  const ahead = g.add(`${scope}/Sub`, "Sub", [counts, g.int64(1)]);
  const indices = g.add(`${scope}/Max`, "Max", [ahead, g.int64(0)]);
  return g.add(`${scope}/Slice`, "Slice", [indices, past, total, g.int64s(1)]);
}

/** [batch, 1, 1, sequence, total]: 0 where a new position sees another (not later, not masked), else MASKED. */
function addMaskBias(g: GraphBuilder, { past, total }: Span): string {
  const scope = "/model/mask";
  const scalar = (name: string, value: string) => g.add(`${scope}/${name}/Squeeze`, "Squeeze", [value]);
  const end = scalar("total", total);
  const columns = g.add(`${scope}/columns/Range`, "Range", [g.int64(0), end, g.int64(1)]);
  const newRows = g.add(`${scope}/rows/Range`, "Range", [scalar("past", past), end, g.int64(1)]);
  const rows = g.add(`${scope}/rows/Unsqueeze`, "Unsqueeze", [newRows, g.int64s(1)]);
  const causal = g.add(`${scope}/LessOrEqual`, "LessOrEqual", [columns, rows]);
  const present = g.add(`${scope}/Cast`, "Cast", ["attention_mask"], { attributes: { to: typeAttribute("bool") } });
  const shaped = g.add(`${scope}/Unsqueeze`, "Unsqueeze", [present, g.int64s(1, 2, 3)]);
  const visible = g.add(`${scope}/And`, "And", [causal, shaped]);
  return g.add(`${scope}/Where`, "Where", [visible, g.float32(0), g.float32(MASKED)]);
}
