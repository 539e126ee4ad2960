import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { GraphBuilder } from "../build/graph-builder.ts";
import type { Attribute, Model, Node } from "../onnx/model.ts";
import { encodeModelToBytes } from "../onnx/write/writer.ts";
import { branch } from "../testing/rows-graph.ts";
import { GraphEdit, operatorOf } from "./graph-edit.ts";

/** y = relu(x) + 1, and something that leads nowhere. */
function model(build: (g: GraphBuilder) => void = () => {}): Model {
  const g = new GraphBuilder();
  g.input("x", "float32", [2]);
  g.add("/relu", "Relu", ["x"], { output: "r" });
  g.add("/add", "Add", ["r", g.float32(1)], { output: "y" });
  g.add("/nowhere", "Neg", ["r"]);
  build(g);
  g.output("y", "float32", [2]);
  return g.build("small");
}

const node = (opType: string, inputs: string[], outputs: string[], attributes: [string, Attribute][] = []): Node => ({
  name: opType,
  opType,
  domain: "",
  inputs,
  outputs,
  attributes: new Map(attributes),
});

async function run(edited: Model): Promise<number[]> {
  const session = await InferenceSession.create(encodeModelToBytes(edited), { logSeverityLevel: 3 });
  const { y } = await session.run({ x: new Tensor("float32", Float32Array.of(-3, 5), [2]) });
  await session.release();
  return [...(y!.data as Float32Array)];
}

describe("GraphEdit", () => {
  it("replaces a node by others that make the same value, and orders them", async () => {
    const g = new GraphEdit(model());
    g.remove(g.producer("r")!);
    const doubled = g.add("/twice", "Mul", ["x", g.float32(2)]);
    g.add("/moved", "Sub", [doubled, g.float32(10)], { output: "r" });
    const built = g.build();
    expect(built.graph.nodes.map(({ opType }) => opType)).toEqual(["Mul", "Sub", "Add"]);
    expect(await run(built)).toEqual([-15, 1]);
  });

  it("leaves out what nobody reads: nodes, constants, inputs", () => {
    const g = new GraphEdit(model((builder) => builder.input("unread", "float32", [1])));
    g.float32(7);
    const { graph } = g.build();
    expect(graph.nodes.map(({ opType }) => opType)).toEqual(["Relu", "Add"]);
    expect(graph.inputs.map(({ name }) => name)).toEqual(["x"]);
    expect(graph.initializers).toHaveLength(1);
  });

  it("redirects every reader, and makes what is asked for twice once", async () => {
    const g = new GraphEdit(model());
    const make = () => g.once("/neg", () => g.add("/neg", "Neg", ["x"]));
    expect(make()).toBe(make());
    g.redirect("r", make());
    expect(await run(g.build())).toEqual([4, -4]);
  });

  it("knows what a branch reads from around it, however deep, and keeps it", () => {
    const inner = branch("inner", [node("Identity", ["r"], ["inner"])]);
    const outer = branch("outer", [
      node(
        "If",
        ["c"],
        ["outer"],
        [
          ["then_branch", { kind: "graph", value: inner }],
          ["else_branch", { kind: "graph", value: inner }],
        ],
      ),
    ]);
    const nested = model((g) => {
      g.input("c", "bool", []);
      const both = {
        then_branch: { kind: "graph", value: outer },
        else_branch: { kind: "graph", value: branch("x") },
      } as const;
      g.add("/if", "If", ["c"], { output: "z", attributes: both });
      g.output("z", "float32", [2]);
    });
    const g = new GraphEdit(nested);
    expect(["r", "c", "x", "inner", "y"].map((name) => g.isCaptured(name))).toEqual([true, true, true, false, false]);
    expect(g.build().graph.nodes.map(({ opType }) => opType)).toEqual(["Relu", "If", "Add"]);
  });

  it("takes a Constant node for a constant, and reads small ones", () => {
    const value = {
      name: "",
      type: "int64",
      dims: [2],
      data: new Uint8Array(new BigInt64Array([3n, -1n]).buffer),
    } as const;
    const edited = model((g) => {
      g.add("/k", "Constant", [], { output: "k", attributes: { value: { kind: "tensor", value } } });
    });
    expect(new GraphEdit(edited).integers("k")).toEqual([3, -1]);
  });

  it("knows its opset and what leads out of it", () => {
    const g = new GraphEdit(model());
    expect([g.opset, g.isOutput("y"), g.isOutput("r")]).toEqual([21, true, false]);
  });
});

describe("operatorOf", () => {
  it("is the type alone for the standard's operators and ONNX Runtime's own", () => {
    const of = (domain: string) => operatorOf({ ...node("Concat", [], []), domain });
    expect([of(""), of("com.microsoft"), of("other")]).toEqual(["Concat", "Concat", "other.Concat"]);
  });
});
