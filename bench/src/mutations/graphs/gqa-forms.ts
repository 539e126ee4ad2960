import type { Attribute, Model, Node, Tensor } from "@nearfree/ort-adapter/onnx";

const HEADS = 4;
const KV_HEADS = 2;
const HEAD_DIM = 16;
const WINDOW = 9;
const SOFTCAP = 8;

type Form = (model: Model) => Model;

/** The forms of GroupQueryAttention that exporters write, made of a generated decoder of the tiny shape with packed projections. */
export const GQA_FORMS: Readonly<Record<string, Form>> = {
  packed: (model) => model,
  separate,
  "rotary outside": (model) => rotaryOutside(separate(model)),
  softcap: withAttribute("softcap", { kind: "float", value: SOFTCAP }),
  window: withAttribute("local_window_size", { kind: "int", value: WINDOW }),
  "window in one layer": withAttribute("local_window_size", { kind: "int", value: WINDOW }, 0),
  "room for its window": (model) =>
    withAttribute("sliding_window_cache", { kind: "int", value: 1 })(
      withAttribute("local_window_size", { kind: "int", value: WINDOW })(model),
    ),
  sinks: (model) => withSinks(separate(model)),
  "smooth softmax": withAttribute("smooth_softmax", { kind: "int", value: 1 }),
};

function mapAttention(model: Model, map: (node: Node, layer: number) => readonly Node[]): Model {
  let layer = 0;
  const nodes = model.graph.nodes.flatMap((node) =>
    node.opType === "GroupQueryAttention" ? map(node, layer++) : [node],
  );
  return { ...model, graph: { ...model.graph, nodes } };
}

function withConstants(model: Model, constants: readonly Tensor[]): Model {
  return { ...model, graph: { ...model.graph, initializers: [...model.graph.initializers, ...constants] } };
}

function withAttribute(name: string, value: Attribute, only?: number): Form {
  return (model) =>
    mapAttention(model, (node, layer) => [
      only === undefined || only === layer ? { ...node, attributes: new Map(node.attributes).set(name, value) } : node,
    ]);
}

const ints = (name: string, ...values: number[]): Tensor => ({
  name,
  type: "int64",
  dims: [values.length],
  data: new Uint8Array(BigInt64Array.from(values, BigInt).buffer),
});

function separate(model: Model): Model {
  const widths = [HEADS * HEAD_DIM, KV_HEADS * HEAD_DIM, KV_HEADS * HEAD_DIM];
  const edited = mapAttention(model, (node, layer) => {
    const parts = ["q", "k", "v"].map((part) => `/layer${layer}/${part}`);
    const split = {
      name: `/layer${layer}/split`,
      opType: "Split",
      domain: "",
      inputs: [node.inputs[0]!, "qkv_widths"],
      outputs: parts,
      attributes: new Map<string, Attribute>([["axis", { kind: "int", value: -1 }]]),
    };
    return [split, { ...node, inputs: [...parts, ...node.inputs.slice(3)] }];
  });
  return withConstants(edited, [ints("qkv_widths", ...widths)]);
}

function rotaryOutside(model: Model): Model {
  const edited = mapAttention(model, (node, layer) => {
    const [cos, sin] = [node.inputs[7]!, node.inputs[8]!];
    const rotate = (at: number, heads: number): Node => ({
      name: `/layer${layer}/rotary${at}`,
      opType: "RotaryEmbedding",
      domain: "com.microsoft",
      inputs: [node.inputs[at]!, "position_ids", cos, sin],
      outputs: [`/layer${layer}/rotated${at}`],
      attributes: new Map<string, Attribute>([["num_heads", { kind: "int", value: heads }]]),
    });
    const rotated = [rotate(0, HEADS), rotate(1, KV_HEADS)];
    const inputs = [rotated[0]!.outputs[0]!, rotated[1]!.outputs[0]!, ...node.inputs.slice(2, 7)];
    const attributes = new Map(node.attributes).set("do_rotary", { kind: "int", value: 0 });
    return [...rotated, { ...node, inputs, attributes }];
  });
  const input = { name: "position_ids", type: "int64", shape: ["batch_size", "sequence_length"] } as const;
  return { ...edited, graph: { ...edited.graph, inputs: [...edited.graph.inputs, input] } };
}

function withSinks(model: Model): Model {
  const sinks: Tensor = {
    name: "sinks",
    type: "float32",
    dims: [HEADS],
    data: new Uint8Array(Float32Array.of(0.4, -1, 1.5, 0).buffer),
  };
  const edited = mapAttention(model, (node) => [{ ...node, inputs: [...node.inputs, "", "", "sinks"] }]);
  return withConstants(edited, [sinks]);
}
