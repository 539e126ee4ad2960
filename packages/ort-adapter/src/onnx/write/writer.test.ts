import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesOf, type DataType } from "../data-type.ts";
import type { Attribute, Graph, Model, Node, Tensor, ValueInfo } from "../model.ts";
import { byteSource } from "../read/byte-source.ts";
import { readModel } from "../read/reader.ts";
import { encodeModel, encodeModelToBytes } from "./writer.ts";

const name = fc.string({ minLength: 1, maxLength: 12, unit: "grapheme" });
const type = fc.constantFrom<DataType>("float32", "int64", "int8", "float16", "uint4", "bool");
const whole = fc.integer({ min: -(2 ** 53) + 1, max: 2 ** 53 - 1 });
const real = fc.float({ noNaN: true });

const tensor: fc.Arbitrary<Tensor> = fc
  .record({ name, type, dims: fc.array(fc.nat(5), { maxLength: 3 }), seed: fc.nat(255) })
  .map(({ seed, ...rest }) => {
    const elements = rest.dims.reduce((product, dim) => product * dim, 1);
    return { ...rest, data: new Uint8Array(bytesOf(rest.type, elements)).fill(seed) };
  });

const valueInfo: fc.Arbitrary<ValueInfo> = fc.record({
  name,
  type,
  shape: fc.option(fc.array(fc.oneof(fc.nat(), name, fc.constant(undefined)), { maxLength: 4 }), { nil: undefined }),
});

const plainAttribute: fc.Arbitrary<Attribute> = fc.oneof(
  fc.record({ kind: fc.constant("int" as const), value: whole }),
  fc.record({ kind: fc.constant("float" as const), value: real }),
  fc.record({ kind: fc.constant("string" as const), value: fc.string() }),
  fc.record({ kind: fc.constant("tensor" as const), value: tensor }),
  fc.record({ kind: fc.constant("ints" as const), value: fc.array(whole) }),
  fc.record({ kind: fc.constant("floats" as const), value: fc.array(real) }),
  fc.record({ kind: fc.constant("strings" as const), value: fc.array(fc.string()) }),
  fc.record({ kind: fc.constant("tensors" as const), value: fc.array(tensor, { maxLength: 2 }) }),
  fc.record({ kind: fc.constant("reference" as const), value: name }),
);

function nodeWith(attribute: fc.Arbitrary<Attribute>): fc.Arbitrary<Node> {
  return fc.record({
    name,
    opType: name,
    domain: fc.constantFrom("", "com.microsoft"),
    inputs: fc.array(fc.oneof(name, fc.constant("")), { maxLength: 3 }),
    outputs: fc.array(name, { maxLength: 3 }),
    attributes: fc.array(fc.tuple(name, attribute), { maxLength: 3 }).map((entries) => new Map(entries)),
  });
}

function graphOf(node: fc.Arbitrary<Node>): fc.Arbitrary<Graph> {
  return fc.record({
    name,
    nodes: fc.array(node, { minLength: 1, maxLength: 3 }),
    initializers: fc.array(tensor, { maxLength: 3 }),
    inputs: fc.array(valueInfo, { maxLength: 3 }),
    outputs: fc.array(valueInfo, { maxLength: 3 }),
    valueInfos: fc.array(valueInfo, { maxLength: 2 }),
  });
}

const subgraph = graphOf(nodeWith(plainAttribute));
const attribute = fc.oneof(
  plainAttribute,
  fc.record({ kind: fc.constant("graph" as const), value: subgraph }),
  fc.record({ kind: fc.constant("graphs" as const), value: fc.array(subgraph, { maxLength: 2 }) }),
);

const model: fc.Arbitrary<Model> = fc.record({
  irVersion: fc.integer({ min: 1, max: 20 }),
  producerName: fc.string(),
  opsets: fc.array(fc.record({ domain: fc.constantFrom("", "com.microsoft"), version: fc.nat(30) }), { maxLength: 2 }),
  graph: graphOf(nodeWith(attribute)),
  functions: fc.array(
    fc.record({
      name,
      domain: name,
      inputs: fc.array(name, { maxLength: 2 }),
      outputs: fc.array(name, { maxLength: 2 }),
      nodes: fc.array(nodeWith(plainAttribute), { maxLength: 2 }),
    }),
    { maxLength: 2 },
  ),
});

/** The model without the places where its tensors were found. */
function withoutPlaces<T>(value: T): T {
  if (value instanceof Uint8Array) return value;
  if (value instanceof Map) return new Map([...value].map(([key, each]) => [key, withoutPlaces(each)])) as T;
  if (Array.isArray(value)) return value.map(withoutPlaces) as T;
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([key, each]) => key !== "stored" && each !== undefined);
  return Object.fromEntries(entries.map(([key, each]) => [key, withoutPlaces(each)])) as T;
}

function tiny(initializers: readonly Tensor[]): Model {
  const node = { name: "n", opType: "Identity", domain: "", inputs: ["x"], outputs: ["y"], attributes: new Map() };
  const graph = { name: "g", nodes: [node], initializers, inputs: [], outputs: [], valueInfos: [] };
  return { irVersion: 10, producerName: "test", opsets: [], graph, functions: [] };
}

describe("encodeModel", () => {
  it("writes what the reader reads", () => {
    fc.assert(
      fc.property(model, (written) => {
        const files = { model: byteSource(encodeModelToBytes(written)) };
        expect(withoutPlaces(readModel(files))).toEqual(withoutPlaces(written));
      }),
      { numRuns: 200 },
    );
  });

  it("hands weights through uncopied and makes lazy ones when their turn comes", () => {
    const data = new Uint8Array(4096);
    const made: string[] = [];
    const lazy = (id: string) => ({
      name: id,
      type: "uint8" as const,
      dims: [2],
      make: () => {
        made.push(id);
        return Uint8Array.of(1, 2);
      },
    });
    const chunks = encodeModel(tiny([lazy("a"), { name: "w", type: "uint8", dims: [4096], data }, lazy("b")]));
    const found: Uint8Array[] = [];
    for (const chunk of chunks) {
      if (chunk === data) expect(made).toEqual(["a"]);
      found.push(chunk);
    }
    expect(found).toContain(data);
    expect(made).toEqual(["a", "b"]);
  });

  it("refuses a tensor whose data is missing or of another size", () => {
    const encode = (data: Uint8Array | undefined) =>
      encodeModelToBytes(tiny([{ name: "w", type: "float32", dims: [2, 3], data }]));
    expect(() => encode(new Uint8Array(23))).toThrow(
      "[ort-adapter] tensor w: expected 24 bytes for float32 [2, 3], received 23 bytes;",
    );
    expect(() => encode(undefined)).toThrow("received no data");
  });
});
