import type { Attribute, Node, ValueInfo } from "@nearfree/ort-adapter/onnx";
import { FLOAT, type GraphDraft, int } from "./graph-draft.ts";

/** Pasts and presents of other layers or parts, of the wrong one, or of one for two. */
export function redirectCache(g: GraphDraft): void {
  const { pasts, presents } = g;
  if (pasts.length < 2 || presents.length < 2) return;
  if (g.chance(0.5)) {
    const [a, b] = [g.pick(pasts), g.pick(pasts)];
    const both = g.chance(0.6);
    const other = (name: string) => (name === a ? b : both && name === b ? a : name);
    g.nodes = g.nodes.map((node) => ({ ...node, inputs: node.inputs.map(other) }));
    return;
  }
  const [a, b] = [g.pick(presents), g.pick(presents)];
  if (g.chance(0.6)) {
    const other = (name: string) => (name === a ? b : name === b ? a : name);
    g.nodes = g.nodes.map((node) => ({ ...node, inputs: node.inputs.map(other), outputs: node.outputs.map(other) }));
    return;
  }
  const from = g.pick([b, g.pick(pasts), g.pick(g.values)]);
  const inner = g.fresh("present");
  g.nodes = g.nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map((name) => (name === a ? inner : name)),
    outputs: node.outputs.map((name) => (name === a ? inner : name)),
  }));
  g.nodes.push(g.make("Identity", [from === a ? inner : from], {}, { output: a }));
}

/** Something more reads a cache, and the logits tell what it saw. */
export function readCache(g: GraphDraft): void {
  const value = g.pick(g.chance(0.6) ? g.pasts : g.presents);
  const head = g.producer("logits");
  if (value === undefined || head === undefined) return;
  const kind = g.pick(["length", "mean", "first", "last"]);
  const added: Node[] = [];
  const add = (opType: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}) => {
    const node = g.make(opType, inputs, attributes);
    added.push(node);
    return node.outputs[0]!;
  };
  const length = () => add("Cast", [add("Slice", [add("Shape", [value]), g.ints(2), g.ints(3)])], { to: FLOAT });
  const part = (axis: number, from: number, to: number) =>
    add("ReduceSum", [add("Slice", [value, g.ints(from), g.ints(to), g.ints(axis)])], { keepdims: int(0) });
  const seen =
    kind === "length"
      ? length()
      : kind === "mean"
        ? add("Div", [part(3, 0, 1), add("Add", [length(), g.float(1)])])
        : kind === "first"
          ? part(2, 0, 1)
          : part(2, -1, 1 << 30);
  const [hidden = ""] = head.inputs;
  const wave = add("Sin", [add("Mul", [seen, g.float(0.7)])]);
  const moved = add("Mul", [hidden, add("Add", [wave, g.float(2)])]);
  g.nodes = [
    ...g.nodes.filter((node) => node !== head),
    ...added,
    { ...head, inputs: [moved, ...head.inputs.slice(1)] },
  ];
}

/** Inputs and outputs of other types and shapes. */
export function changeIo(g: GraphDraft): void {
  const change = (name: string, to: (value: ValueInfo) => ValueInfo) => {
    g.inputs = g.inputs.map((value) => (value.name === name ? to(value) : value));
    g.outputs = g.outputs.map((value) => (value.name === name ? to(value) : value));
  };
  const past = g.pick(g.pasts);
  const present = g.pick(g.presents);
  const kind = g.below(6);
  const value = g.pick([past, present, ...g.inputs.map(({ name }) => name)]);
  if (kind === 0) change(value, (info) => ({ ...info, shape: undefined }));
  else if (kind === 1) {
    change(value, (info) => {
      const shape = [...(info.shape ?? [])];
      const at = g.below(Math.max(1, shape.length));
      shape[at] = g.pick(["anything", 1, 2, undefined, "batch_size"]);
      return { ...info, shape };
    });
  } else if (kind === 2) {
    const token = g.pick(["input_ids", "attention_mask", "position_ids"]);
    if (!g.inputs.some(({ name }) => name === token)) return;
    const cast = g.make("Cast", [token], { to: int(7) });
    g.nodes = [
      cast,
      ...g.nodes.map((node) => ({
        ...node,
        inputs: node.inputs.map((name) => (name === token ? cast.outputs[0]! : name)),
      })),
    ];
    change(token, (info) => ({ ...info, type: "int32" }));
  } else if (kind === 3 && past !== undefined) {
    // A float64 or float16 cache around a float32 one.
    const type = g.pick(["float16", "float64"] as const);
    const wide = g.make("Cast", [past], { to: FLOAT });
    g.nodes = [
      wide,
      ...g.nodes.map((node) => ({
        ...node,
        inputs: node.inputs.map((name) => (name === past ? wide.outputs[0]! : name)),
      })),
    ];
    change(past, (info) => ({ ...info, type }));
    const out = past.replace(/^past(_key_values)?/, "present");
    if (!g.isOutput(out) || g.chance(0.2)) return;
    const inner = g.fresh("wide");
    g.nodes = g.nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map((name) => (name === out ? inner : name)),
      outputs: node.outputs.map((name) => (name === out ? inner : name)),
    }));
    g.nodes.push(g.make("Cast", [inner], { to: int(type === "float16" ? 10 : 11) }, { output: out }));
    change(out, (info) => ({ ...info, type }));
  } else if (kind === 4 && !g.inputs.some(({ name }) => name === "position_ids")) {
    g.inputs.push({
      name: "position_ids",
      type: g.pick(["int64", "int32"]),
      shape: g.pick([["batch", "rows"], ["rows"]]),
    });
  } else if (kind === 5) {
    const at = g.below(g.opsets.length);
    g.opsets = g.opsets.map((each, i) =>
      i === at ? { ...each, version: each.version + g.pick([-8, -3, -1, 1]) } : each,
    );
  }
}
