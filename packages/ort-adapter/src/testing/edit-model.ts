import { intAttribute } from "../build/graph-builder.ts";
import type { Dim, Model, Node, ValueInfo } from "../onnx/model.ts";

/** The same model, whose inputs and outputs declare what `shapeOf` gives for them. */
export function withShapes(model: Model, shapeOf: (value: ValueInfo) => readonly Dim[] | undefined): Model {
  const changed = (values: readonly ValueInfo[]) => values.map((value) => ({ ...value, shape: shapeOf(value) }));
  return {
    ...model,
    graph: { ...model.graph, inputs: changed(model.graph.inputs), outputs: changed(model.graph.outputs) },
  };
}

/** As today's onnxruntime-genai builder writes it: the last dimension of every cache tensor is a symbol. */
export function withSymbolicHeadSize(model: Model): Model {
  return withShapes(model, ({ name, shape }) =>
    /^(past_key_values|present)\./.test(name) ? [...shape!.slice(0, 3), "kv_cache_dim"] : shape,
  );
}

/** GroupQueryAttention that keeps `window` positions: `sliding_window_cache` is what the onnxruntime-genai builder sets. */
export function withSlidingWindow(model: Model, window: number, slidingCache = true): Model {
  const nodes = model.graph.nodes.map((node): Node => {
    if (node.opType !== "GroupQueryAttention") return node;
    const attributes = new Map(node.attributes).set("local_window_size", intAttribute(window));
    if (slidingCache) attributes.set("sliding_window_cache", intAttribute(1));
    return { ...node, attributes };
  });
  return { ...model, graph: { ...model.graph, nodes } };
}

/**
 * Decomposed attention whose causal mask forgets the past where it has several rows: row i sees positions 0 to i. A prompt at once and one
 * position at a time are right.
 */
export function withPastBlindMask(model: Model): Model {
  const scope = "/model/mask/rows";
  const node = (name: string, opType: string, inputs: readonly string[], attributes = {}): Node => ({
    name: `${scope}/${name}`,
    opType,
    domain: "",
    inputs,
    outputs: [`${scope}/${name}/output_0`],
    attributes: new Map(Object.entries(attributes)),
  });
  const out = (name: string) => `${scope}/${name}/output_0`;
  const count = "/model/span/input_ids/Gather/output_0";
  const added = [
    node("Lone", "Equal", [count, "/constants/int64/[1]"]),
    node("LoneNumber", "Cast", [out("Lone")], { to: intAttribute(INT64) }),
    node("First", "Mul", ["/model/span/Sub/output_0", out("LoneNumber")]),
    node("Behind", "Add", [out("First"), count]),
    node("FirstScalar", "Squeeze", [out("First")]),
    node("BehindScalar", "Squeeze", [out("Behind")]),
  ];
  const nodes = model.graph.nodes.flatMap((each) =>
    each.name === `${scope}/Range`
      ? [...added, { ...each, inputs: [out("FirstScalar"), out("BehindScalar"), each.inputs[2]!] }]
      : [each],
  );
  return { ...model, graph: { ...model.graph, nodes } };
}

const INT64 = 7; // TensorProto.INT64
