import { intAttribute, intsAttribute, MICROSOFT } from "../build/graph-builder.ts";
import { intAttribute as intOf } from "../onnx/graph/attributes.ts";
import type { LengthValues } from "../onnx/graph/rows/length-values.ts";
import type { Node } from "../onnx/model.ts";
import type { CacheNames } from "./cache-names.ts";
import { type GraphEdit, operatorOf } from "./graph-edit.ts";
import { addLeanAttention } from "./lean-attention.ts";
import { addBiasInput, POSITIONS } from "./lean-inputs.ts";

/** Inputs of com.microsoft.GroupQueryAttention by their place. */
const INPUT = {
  query: 0,
  key: 1,
  value: 2,
  pastKey: 3,
  pastValue: 4,
  last: 5,
  total: 6,
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

/** A GroupQueryAttention node with the cache that it reads and returns. */
export interface GqaLayer {
  readonly node: Node;
  readonly keys: CacheNames;
  readonly values: CacheNames;
}

/**
 * The nodes by the cache that they serve; or which one is served by none, in words. A present that comes from elsewhere than its past
 * is not a longer past, and nothing can be put behind it.
 */
export function gqaLayers(g: GraphEdit, cache: readonly CacheNames[]): readonly GqaLayer[] | string {
  const layers = new Map<Node, { keys?: CacheNames; values?: CacheNames }>();
  for (const names of cache) {
    const node = g.producer(names.present);
    const part = node === undefined ? undefined : partOf(node, names);
    if (node === undefined || part === undefined) return notServed(names);
    layers.set(node, { ...layers.get(node), [part]: names });
  }
  const whole: GqaLayer[] = [];
  for (const [node, { keys, values }] of layers) {
    if (keys === undefined || values === undefined) return notServed((keys ?? values)!);
    whole.push({ node, keys, values });
  }
  return whole;
}

const notServed = ({ past, present }: CacheNames) => `${present} is not made of ${past} by GroupQueryAttention`;

function partOf(node: Node, { past, present }: CacheNames): "keys" | "values" | undefined {
  if (operatorOf(node) !== "GroupQueryAttention") return undefined;
  const { inputs, outputs } = node;
  if (inputs[INPUT.pastKey] === past && outputs[1] === present) return "keys";
  return inputs[INPUT.pastValue] === past && outputs[2] === present ? "values" : undefined;
}

/** Why the layer cannot be rewritten; undefined where it can. */
export function whyNotGqa(g: GraphEdit, layer: GqaLayer, lengths: LengthValues): string | undefined {
  return unknownForm(layer) ?? sharedCache(g, layer) ?? otherLengths(layer, lengths) ?? otherRotary(g, layer);
}

function unknownForm({ node, keys, values }: GqaLayer): string | undefined {
  const { inputs, outputs, attributes } = node;
  const unknown = [...attributes.keys()].find((name) => !KNOWN.has(name));
  if (unknown !== undefined) return `GroupQueryAttention with ${unknown}`;
  if (inputs.slice(MOST_INPUTS).some((input) => input !== "")) return "GroupQueryAttention with a quantised cache";
  if (outputs[3]) return "GroupQueryAttention that returns its scores";
  if (intOf(node, "smooth_softmax") === 1) return "GroupQueryAttention with a smooth softmax";
  if (inputs[INPUT.bias]) return "GroupQueryAttention with a bias of its own";
  const [heads, kvHeads] = [intOf(node, "num_heads") ?? 0, intOf(node, "kv_num_heads") ?? 0];
  const fits = kvHeads > 0 && heads >= kvHeads && heads % kvHeads === 0 && kvHeads === keys.heads;
  if (!fits || keys.heads !== values.heads || keys.headDim !== values.headDim) {
    return `GroupQueryAttention of ${heads} heads on ${kvHeads}`;
  }
  const packed = !inputs[INPUT.key];
  if (!inputs[INPUT.query] || packed !== !inputs[INPUT.value] || !outputs[0])
    return "GroupQueryAttention without values";
  return undefined;
}

/** Whoever else looks at the cache would see the room behind the past, or the new rows alone. */
function sharedCache(g: GraphEdit, { node, keys, values }: GqaLayer): string | undefined {
  for (const { past, present } of [keys, values]) {
    const alone = node.inputs.filter((input) => input === past).length === 1 && g.readers(past).length === 1;
    if (!alone) return `${past} is read by others than its attention`;
    if (g.readers(present).length > 0) return `${present} is read inside the graph`;
  }
  return undefined;
}

/** A rewrite takes its lengths from the cache: those of the node must be the mask's. */
function otherLengths({ node }: GqaLayer, lengths: LengthValues): string | undefined {
  const isTotal = (input: number, offset: number) => {
    const found = lengths.elements(node.inputs[input] ?? "");
    const affine = found?.length === 1 ? found[0]?.affine : undefined;
    return affine?.past === 1 && affine.count === 1 && affine.offset === offset;
  };
  return isTotal(INPUT.last, -1) && isTotal(INPUT.total, 0) ? undefined : "GroupQueryAttention with lengths of its own";
}

/** Tables of a part of a head, and positions that are fed in another form. */
function otherRotary(g: GraphEdit, { node, keys }: GqaLayer): string | undefined {
  if (intOf(node, "do_rotary") !== 1) return undefined;
  for (const place of [INPUT.cos, INPUT.sin]) {
    const name = node.inputs[place];
    if (!name) return "GroupQueryAttention that rotates without tables";
    const width = g.constant(name)?.dims.at(-1);
    if (width !== undefined && 2 * width !== keys.headDim)
      return "GroupQueryAttention that rotates a part of each head";
  }
  const fed = node.inputs[INPUT.positions] ? undefined : g.inputs.get(POSITIONS);
  const known = fed === undefined || (fed.type === "int64" && fed.shape?.length === 2);
  return known ? undefined : `${POSITIONS} is not int64 [batch, rows]`;
}

/** Replaces the node by lean attention; its present outputs become the new rows alone. */
export function rewriteGqa(g: GraphEdit, { node, keys: { headDim } }: GqaLayer, scope: string): void {
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
