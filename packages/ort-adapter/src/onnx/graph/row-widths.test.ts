import { describe, expect, it } from "vitest";
import { GraphBuilder, intAttribute, MICROSOFT, typeAttribute } from "../../build/graph-builder.ts";
import { SAMPLE_SHAPE, sampleDecoder } from "../../testing/sample-decoder.ts";
import type { Model } from "../model.ts";
import { Values } from "./constants.ts";
import { dataFlow } from "./data-flow.ts";
import { flatten } from "./flatten.ts";
import { isLoose, RowWidths } from "./row-widths.ts";

const HIDDEN = 6;
const WIDE = 10;

/** A graph of hidden states, and the weights to widen them. */
function graph() {
  const g = new GraphBuilder();
  const weight = (name: string, rows: number, columns: number) =>
    g.constant(name, "float32", [rows, columns], new Float32Array(rows * columns));
  const table = weight("table", 20, HIDDEN);
  const hidden = g.add("/embed", "Gather", [table, g.input("input_ids", "int64", [1, "n"])]);
  return { g, hidden, weight };
}

function read(model: Model) {
  const flat = flatten(model);
  const values = new Values(flat);
  const flow = dataFlow(flat, values, "logits");
  return { widths: new RowWidths(flow, values), values, nodes: flat.nodes };
}

describe("RowWidths", () => {
  it("follows channels from the table through weights, element-wise nodes and views", () => {
    const { g, hidden, weight } = graph();
    const wide = g.add("/up", "MatMul", [hidden, weight("up", HIDDEN, WIDE)]);
    const act = g.add("/act", "Tanh", [wide]);
    const scaled = g.add("/scaled", "Mul", [act, g.float32(2)]);
    const flat = g.add("/flat", "Reshape", [scaled, g.int64s(-1, WIDE)]);
    const { widths } = read(g.build("test"));
    expect([hidden, wide, act, scaled, flat].map((value) => widths.of(value))).toEqual([
      HIDDEN,
      WIDE,
      WIDE,
      WIDE,
      WIDE,
    ]);
  });

  it("shares a value out among the outputs of a split", () => {
    const { g, hidden } = graph();
    g.addTo(["a", "b", ""], "/split", "Split", [hidden], { attributes: { axis: intAttribute(-1) } });
    const { widths } = read(g.build("test"));
    expect([widths.of("a"), widths.of("b")]).toEqual([HIDDEN / 2, HIDDEN / 2]);
  });

  it("knows no channels of shapes, of columns taken from a table, and of what it never saw", () => {
    const { g, hidden, weight } = graph();
    const shape = g.add("/shape", "Shape", [hidden]);
    const column = g.add("/column", "Gather", [weight("other", 20, HIDDEN), "input_ids"], {
      attributes: { axis: intAttribute(1) },
    });
    const { widths } = read(g.build("test"));
    expect([shape, column, "nothing", undefined].map((value) => widths.of(value))).toEqual([0, 0, 0, 0]);
  });

  it("counts what a dynamic quantisation gives, but not its scale and zero point", () => {
    const { g, hidden } = graph();
    g.addTo(["bytes", "scale", "zero"], "/quantise", "DynamicQuantizeLinear", [hidden]);
    const { widths } = read(g.build("test"));
    expect(["bytes", "scale", "zero"].map((value) => widths.of(value))).toEqual([HIDDEN, 0, 0]);
  });

  it.each(["gqa", "decomposed"] as const)(
    "knows the queries of every layer of a decoder with %s attention",
    (attention) => {
      const { widths } = read(sampleDecoder({ attention }));
      const { layers, heads, headDim } = SAMPLE_SHAPE;
      const levels = Array.from({ length: layers + 1 }, (_, level) => widths.queries(level));
      expect(levels).toEqual([...new Array<number>(layers).fill(heads * headDim), 0]);
    },
  );

  it("takes the queries out of a packed input: heads of them, then the key and value heads", () => {
    const { g, hidden, weight } = graph();
    const [heads, kvHeads, headDim] = [4, 2, 16];
    const packed = g.add("/qkv", "MatMul", [hidden, weight("qkv", HIDDEN, (heads + 2 * kvHeads) * headDim)]);
    const cache = (part: string) => g.input(`past_key_values.0.${part}`, "float32", [1, kvHeads, "past", headDim]);
    g.addTo(
      ["attended", "present.0.key", "present.0.value"],
      "/attn",
      "GroupQueryAttention",
      [packed, "", "", cache("key"), cache("value")],
      { domain: MICROSOFT, attributes: { num_heads: intAttribute(heads), kv_num_heads: intAttribute(kvHeads) } },
    );
    const { widths } = read(g.build("test"));
    expect(widths.queries(0)).toBe(heads * headDim);
    expect(widths.of("attended")).toBe(heads * headDim);
  });
});

describe("isLoose", () => {
  /** Whether the nodes of these names are loose. */
  const looseNodes = (model: Model) => {
    const { values, nodes } = read(model);
    return nodes.filter((node) => isLoose(node, values)).map(({ name }) => name);
  };

  it("leaves out views, and the sigmoid of x * sigmoid(x) alone", () => {
    const { g, hidden } = graph();
    const gate = g.add("/sigmoid", "Sigmoid", [hidden]);
    const silu = g.add("/silu", "Mul", [hidden, gate]);
    g.add("/flat", "Reshape", [silu, g.int64s(-1, HIDDEN)]);
    g.add("/other", "Mul", [silu, g.add("/alone", "Sigmoid", [hidden])]);
    expect(looseNodes(g.build("test"))).toEqual(["/embed", "/silu", "/alone", "/other"]);
  });

  it("leaves out all that is fused into a dynamic int8 product", () => {
    const { g, hidden } = graph();
    const weight = g.constant("weight", "int8", [HIDDEN, WIDE], new Int8Array(HIDDEN * WIDE));
    const scales = g.constant("scales", "float32", [WIDE], new Float32Array(WIDE));
    g.addTo(["bytes", "scale", "zero"], "/quantise", "DynamicQuantizeLinear", [hidden]);
    const product = g.add("/product", "MatMulInteger", ["bytes", weight, "zero"]);
    const float = g.add("/cast", "Cast", [product], { attributes: { to: typeAttribute("float32") } });
    const scaling = g.add("/scaling", "Mul", ["scale", scales]);
    const out = g.add("/rescaled", "Mul", [float, scaling]);
    g.add("/next", "Mul", [out, g.float32(2)]);
    // The product itself has weights: whoever asks takes it out before.
    expect(looseNodes(g.build("test"))).toEqual(["/embed", "/product", "/next"]);
  });
});
