import type { Attribute, Node, Tensor } from "@nearfree/ort-adapter/onnx";
import { type GraphDraft, int, intList } from "./graph-draft.ts";

const SWITCHES: readonly (readonly [string, string, readonly Attribute[]])[] = [
  ["GroupQueryAttention", "scale", [0, 0.1, 0.5, -0.25].map((value) => ({ kind: "float", value }))],
  ["GroupQueryAttention", "softcap", [0, 3, 20, -5].map((value) => ({ kind: "float", value }))],
  ["GroupQueryAttention", "local_window_size", [-1, 0, 1, 2, 7, 24].map(int)],
  ["GroupQueryAttention", "num_heads", [1, 2, 3, 4, 8, 0].map(int)],
  ["GroupQueryAttention", "kv_num_heads", [1, 2, 4, 0].map(int)],
  ["GroupQueryAttention", "do_rotary", [0, 1].map(int)],
  ["GroupQueryAttention", "rotary_interleaved", [0, 1].map(int)],
  ["GroupQueryAttention", "smooth_softmax", [0, 1].map(int)],
  ["GroupQueryAttention", "qk_output", [0, 1, 2].map(int)],
  ["GroupQueryAttention", "unheard_of", [int(1), { kind: "string", value: "x" }]],
  [
    "Transpose",
    "perm",
    [intList(0, 1, 2, 3), intList(0, 1, 3, 2), intList(0, 2, 1, 3), intList(1, 0, 2, 3), intList(0, 3, 2, 1)],
  ],
  ["Concat", "axis", [0, 1, 2, 3, -1, -2].map(int)],
  ["Softmax", "axis", [1, 2, 3, -1, -2].map(int)],
  ["FusedMatMul", "transB", [0, 1].map(int)],
];

/** An attribute changes, goes, comes, or is of another kind. */
export function changeAttribute(g: GraphDraft): void {
  const known = SWITCHES.filter(([opType]) => g.nodes.some((node) => node.opType === opType));
  if (known.length > 0 && g.chance(0.7)) {
    const [opType, name, values] = g.pick(known);
    const node = g.node((each) => each.opType === opType);
    if (node !== undefined) g.replace(node, withAttribute(node, name, g.pick(values)));
    return;
  }
  const node = g.node(({ attributes }) => attributes.size > 0);
  if (node === undefined) return;
  const [name, attribute] = g.pick([...node.attributes]);
  const changed = changedAttribute(g, attribute);
  if (changed !== undefined) g.replace(node, withAttribute(node, name, changed));
  else g.replace(node, { ...node, attributes: new Map([...node.attributes].filter(([each]) => each !== name)) });
}

function withAttribute(node: Node, name: string, value: Attribute): Node {
  return { ...node, attributes: new Map(node.attributes).set(name, value) };
}

function changedAttribute(g: GraphDraft, attribute: Attribute): Attribute | undefined {
  if (g.chance(0.15)) return undefined;
  if (g.chance(0.05)) return { kind: "string", value: "another kind" };
  switch (attribute.kind) {
    case "int":
      return int(g.pick([attribute.value + 1, attribute.value - 1, 0, 1, -1]));
    case "float":
      return { kind: "float", value: attribute.value * g.pick([0, 0.5, 2, -1]) };
    case "ints": {
      const value = [...attribute.value];
      if (value.length > 1) value.push(value.splice(g.below(value.length), 1)[0]!);
      return { kind: "ints", value };
    }
    case "tensor":
      return { kind: "tensor", value: changedTensor(g, attribute.value) };
    default:
      return undefined;
  }
}

/** Longer constants are weights. */
const MOST_BYTES = 64;

export function changeConstant(g: GraphDraft): void {
  const read = new Set(g.nodes.filter((node) => g.isNear(node)).flatMap(({ inputs }) => inputs));
  const small = g.initializers.filter(({ data, type }) => data && data.length <= MOST_BYTES && type !== "string");
  const near = small.filter(({ name }) => read.has(name));
  if (small.length === 0) return;
  const tensor = g.pick(near.length > 0 && g.chance(0.6) ? near : small);
  g.initializers = g.initializers.map((each) => (each === tensor ? changedTensor(g, each) : each));
}

function changedTensor(g: GraphDraft, tensor: Tensor): Tensor {
  const { type, dims, data } = tensor;
  if (data === undefined || data.length === 0) return tensor;
  if (g.chance(0.2))
    return { ...tensor, dims: dims.length === 0 ? [1] : dims.length === 1 && dims[0] === 1 ? [] : [1, ...dims] };
  const bytes = data.slice();
  const view = new DataView(bytes.buffer);
  if (type === "int64") {
    const at = 8 * g.below(bytes.length / 8);
    view.setBigInt64(at, view.getBigInt64(at, true) + BigInt(g.pick([-2, -1, 1, 2])), true);
  } else if (type === "float32") {
    const at = 4 * g.below(bytes.length / 4);
    view.setFloat32(at, view.getFloat32(at, true) * g.pick([0, 0.5, 2, -1]), true);
  } else bytes[g.below(bytes.length)]! ^= 1;
  return { ...tensor, data: bytes };
}
