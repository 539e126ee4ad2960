import { intAttribute, intsAttribute, MICROSOFT } from "../build/graph-builder.ts";
import { intAttribute as intOf } from "../onnx/graph/attributes.ts";
import type { Node } from "../onnx/model.ts";
import type { GraphEdit } from "./graph-edit.ts";
import { addLeanAttention } from "./lean-attention.ts";
import { addBiasInput, POSITIONS } from "./lean-inputs.ts";

/** Inputs of com.microsoft.GroupQueryAttention by their place. */
const INPUT = {
  query: 0,
  key: 1,
  value: 2,
  pastKey: 3,
  pastValue: 4,
  cos: 7,
  sin: 8,
  positions: 9,
  bias: 10,
  sinks: 11,
};
/** Further inputs (scales of a quantised cache) have no place in a rewrite. */
const MOST_INPUTS = 12;

/** Attributes that change nothing here, or are taken over. Any other one is a reason not to touch the node. */
const KNOWN = new Set([
  "num_heads",
  "kv_num_heads",
  "scale",
  "softcap",
  "local_window_size",
  "do_rotary",
  "rotary_interleaved",
  "smooth_softmax",
  "qk_output",
  "sliding_window_cache",
  "k_quant_type",
  "v_quant_type",
  "kv_cache_bit_width",
]);

/** A GroupQueryAttention node that can be written as lean attention, with what the graph does not say: the size of a head. */
export interface GqaLayer {
  readonly node: Node;
  readonly headDim: number;
}

/** Why the node cannot be rewritten; undefined where it can. */
export function whyNotGqa({ inputs, outputs, attributes }: Node): string | undefined {
  const unknown = [...attributes.keys()].find((name) => !KNOWN.has(name));
  if (unknown !== undefined) return `GroupQueryAttention with ${unknown}`;
  if (inputs.slice(MOST_INPUTS).some((input) => input !== "")) return "GroupQueryAttention with a quantised cache";
  if (outputs.length > 3 && outputs[3] !== "") return "GroupQueryAttention that returns its scores";
  const smooth = attributes.get("smooth_softmax");
  if (smooth?.kind === "int" && smooth.value === 1) return "GroupQueryAttention with a smooth softmax";
  if (inputs[INPUT.bias]) return "GroupQueryAttention with a bias of its own";
  return undefined;
}

/** Replaces the node by lean attention; its present outputs become the new rows alone. */
export function rewriteGqa(g: GraphEdit, { node, headDim }: GqaLayer, scope: string): void {
  const { inputs, outputs } = node;
  const heads = intOf(node, "num_heads")!;
  const kvHeads = intOf(node, "kv_num_heads")!;
  const input = (at: number) => inputs[at] ?? "";
  const [queries, keys, values] = split(g, node, scope, [heads * headDim, kvHeads * headDim]);
  const interleaved = intOf(node, "rotary_interleaved") ?? 0;
  const rotates = intOf(node, "do_rotary") === 1;
  const positions = rotates
    ? input(INPUT.positions) || g.input(POSITIONS, "int64", ["batch_size", "sequence_length"])
    : "";
  const rotate = (part: string, value: string, count: number) =>
    rotates
      ? g.add(`${scope}/${part}/rotary`, "RotaryEmbedding", [value, positions, input(INPUT.cos), input(INPUT.sin)], {
          domain: MICROSOFT,
          attributes: { interleaved: intAttribute(interleaved), num_heads: intAttribute(count) },
        })
      : value;
  const perHead = (part: string, value: string, output: string) => {
    const shaped = g.add(`${scope}/${part}/split`, "Reshape", [value, g.int64s(0, 0, kvHeads, headDim)]);
    return g.add(`${scope}/${part}/heads`, "Transpose", [shaped], {
      output,
      attributes: { perm: intsAttribute([0, 2, 1, 3]) },
    });
  };
  g.remove(node);
  const window = intOf(node, "local_window_size") ?? -1;
  addLeanAttention(g, {
    scope,
    heads,
    kvHeads,
    headDim,
    scale: floatOf(node, "scale") || headDim ** -0.5,
    softcap: floatOf(node, "softcap"),
    queries: rotate("q", queries!, heads),
    keys: perHead("k", rotate("k", keys!, kvHeads), outputs[1]!),
    values: perHead("v", values!, outputs[2]!),
    pastKeys: input(INPUT.pastKey),
    pastValues: input(INPUT.pastValue),
    bias: addBiasInput(g, window > 0 ? window : undefined),
    sinks: input(INPUT.sinks),
    output: outputs[0]!,
  });
}

/** Queries, keys and values apart, [batch, rows, channels] each. */
function split(g: GraphEdit, { inputs }: Node, scope: string, [q, kv]: readonly [number, number]): readonly string[] {
  const [query = "", key = "", value = ""] = inputs;
  if (key !== "") return [query, key, value];
  const parts = ["q", "k", "v"].map((part) => `/nearfree${scope}/${part}`);
  return g.addTo(parts, `${scope}/qkv`, "Split", [query, g.int64s(q, kv, kv)], {
    attributes: { axis: intAttribute(2) },
  });
}

function floatOf({ attributes }: Node, name: string): number {
  const attribute = attributes.get(name);
  return attribute?.kind === "float" ? attribute.value : 0;
}
