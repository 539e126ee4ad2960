import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { NearfreeError } from "@nearfree/core";
import { describe, expect, it } from "vitest";
import { sampleDecoder } from "../../testing/sample-decoder.ts";
import type { Attribute, Graph, Model, Node } from "../model.ts";
import { GraphField, ModelField, NodeField, OpsetField, TensorField } from "../proto.ts";
import { encodeModelToBytes } from "../write/writer.ts";
import { type ByteSource, byteSource } from "./byte-source.ts";
import { openModelFiles } from "./file-source.ts";
import { readModel } from "./reader.ts";

const read = (bytes: Uint8Array) => readModel({ model: byteSource(bytes, "model.onnx") });
const readError = (bytes: Uint8Array) => {
  try {
    read(bytes);
  } catch (error) {
    return error as NearfreeError;
  }
  throw new Error("read without an error");
};

describe("readModel", () => {
  it.each([
    ["fp32", "gqa"],
    ["int4", "gqa"],
    ["fp32", "decomposed"],
  ] as const)("gives back the structure that was written: %s, %s", (quantisation, attention) => {
    const model = sampleDecoder({ quantisation, attention });
    const found = read(encodeModelToBytes(model));
    expect(found.graph.nodes).toEqual(model.graph.nodes.map(withFloat32Attributes));
    expect(found.graph.inputs).toEqual(model.graph.inputs);
    expect(found.graph.outputs).toEqual(model.graph.outputs);
    expect(found.opsets).toEqual(model.opsets);
    expect(found.graph.initializers.map(({ name, type, dims }) => ({ name, type, dims }))).toEqual(
      model.graph.initializers.map(({ name, type, dims }) => ({ name, type, dims })),
    );
  });

  it("keeps small constants and leaves weights where they are", () => {
    const model = sampleDecoder();
    const bytes = encodeModelToBytes(model);
    for (const [i, tensor] of read(bytes).graph.initializers.entries()) {
      const { data, make } = model.graph.initializers[i]!;
      const written = data ?? make!();
      const { offset, length } = tensor.stored!;
      expect(bytes.subarray(offset, offset + length)).toEqual(written);
      expect(tensor.data).toEqual(length <= 1024 ? written : undefined);
    }
  });

  it("reads bodies of If and local functions", () => {
    const relu: Node = plainNode("Relu", ["x"], ["y"]);
    const body: Graph = { ...emptyGraph, nodes: [plainNode("Neg", ["in"], ["out"])], outputs: [{ name: "out" }] };
    const model: Model = {
      irVersion: 10,
      producerName: "test",
      opsets: [{ domain: "", version: 21 }],
      graph: {
        ...emptyGraph,
        nodes: [
          { ...plainNode("If", ["go"], ["z"]), attributes: new Map([["then_branch", { kind: "graph", value: body }]]) },
        ],
      },
      functions: [{ name: "Twice", domain: "local", inputs: ["x"], outputs: ["y"], nodes: [relu] }],
    };
    const found = read(encodeModelToBytes(model));
    const branch = found.graph.nodes[0]!.attributes.get("then_branch");
    expect(branch?.kind === "graph" && branch.value.nodes[0]!.opType).toBe("Neg");
    expect(found.functions).toEqual(model.functions);
  });

  it("reads tensors given as numbers, packed or not, and steps over fields it does not know", () => {
    const w = new BinaryWriter();
    w.tag(ModelField.irVersion, WireType.Varint).int64(8);
    w.tag(ModelField.docString, WireType.LengthDelimited).string("x".repeat(100_000));
    w.tag(500, WireType.Bit64).fixed64(1n);
    w.tag(ModelField.opsetImport, WireType.LengthDelimited).fork();
    w.tag(OpsetField.domain, WireType.LengthDelimited).string("ai.onnx");
    w.tag(OpsetField.version, WireType.Varint).int64(13).join();
    w.tag(ModelField.graph, WireType.LengthDelimited).fork();
    w.tag(GraphField.node, WireType.LengthDelimited).fork();
    w.tag(NodeField.opType, WireType.LengthDelimited).string("Add").join();
    w.tag(GraphField.initializer, WireType.LengthDelimited).fork();
    for (const dim of [1, 2]) w.tag(TensorField.dims, WireType.Varint).int64(dim);
    w.tag(TensorField.dataType, WireType.Varint).int32(7);
    for (const value of [-1, 5]) w.tag(TensorField.int64Data, WireType.Varint).int64(value);
    w.join();
    w.tag(GraphField.initializer, WireType.LengthDelimited).fork();
    w.tag(TensorField.dims, WireType.LengthDelimited).fork().int64(3).join();
    w.tag(TensorField.dataType, WireType.Varint).int32(1);
    w.tag(TensorField.floatData, WireType.LengthDelimited).fork().float(0.5).float(-2).float(3).join();
    w.join().join();
    const { graph, opsets } = read(w.finish());
    expect(opsets).toEqual([{ domain: "", version: 13 }]);
    expect(graph.initializers[0]).toMatchObject({ dims: [1, 2], type: "int64" });
    expect(new BigInt64Array(graph.initializers[0]!.data!.slice().buffer)).toEqual(BigInt64Array.of(-1n, 5n));
    expect(new Float32Array(graph.initializers[1]!.data!.slice().buffer)).toEqual(Float32Array.of(0.5, -2, 3));
  });

  it("reads a few KiB of a file of 3 GB", () => {
    const folder = mkdtempSync(join(tmpdir(), "nearfree-reader-"));
    const path = join(folder, "model.onnx");
    try {
      const rawBytes = 3 * 2 ** 30;
      const tensor = new BinaryWriter();
      for (const dim of [3 * 2 ** 14, 2 ** 14]) tensor.tag(TensorField.dims, WireType.Varint).int64(dim);
      tensor.tag(TensorField.dataType, WireType.Varint).int32(1);
      tensor.tag(TensorField.rawData, WireType.LengthDelimited).uint32(rawBytes);
      const tensorHead = tensor.finish();
      const graph = new BinaryWriter();
      graph.tag(GraphField.initializer, WireType.LengthDelimited).uint32(tensorHead.length + rawBytes);
      const graphHead = graph.finish();
      const tail = new BinaryWriter().tag(GraphField.node, WireType.LengthDelimited).fork();
      const node = tail.tag(NodeField.opType, WireType.LengthDelimited).string("Relu").join().finish();
      const model = new BinaryWriter().tag(ModelField.irVersion, WireType.Varint).int64(10);
      model.tag(ModelField.graph, WireType.LengthDelimited);
      model.uint32(graphHead.length + tensorHead.length + rawBytes + node.length);
      const head = Buffer.concat([model.finish(), graphHead, tensorHead]);
      const file = openSync(path, "w");
      writeSync(file, head);
      ftruncateSync(file, head.length + rawBytes);
      writeSync(file, node, 0, node.length, head.length + rawBytes);
      closeSync(file);

      const files = openModelFiles(path);
      let bytesRead = 0;
      const model3GB: ByteSource = {
        ...files.model,
        read: (offset, length) => {
          const bytes = files.model.read(offset, length);
          bytesRead += bytes.length;
          return bytes;
        },
      };
      const found = readModel({ model: model3GB });
      files.close();
      expect(found.graph.nodes[0]!.opType).toBe("Relu");
      expect(found.graph.initializers[0]!.stored).toEqual({ offset: head.length, length: rawBytes });
      expect(bytesRead).toBeLessThan(64 * 1024);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("readModel refuses", () => {
  it.each([
    ["an empty file", new Uint8Array(0), "an empty file"],
    ["HTML", utf8("<!DOCTYPE html><html><head>"), "a web page"],
    ["JSON", utf8('{ "error": "not found" }'), "JSON"],
    ["a Git LFS pointer", utf8("version https://git-lfs.github.com/spec/v1\noid sha256:0"), "a Git LFS pointer"],
    ["text", utf8("Entry not found, sorry"), ""],
    ["zeros", new Uint8Array(4096), ""],
    ["a model without a graph", Uint8Array.of(8, 10), "no graph"],
  ])("%s", (_name, bytes, received) => {
    const error = readError(bytes);
    expect(error).toBeInstanceOf(NearfreeError);
    expect(error.code).toBe("invalid-model");
    expect(error.message).toContain("[ort-adapter] model.onnx: expected ");
    expect(error.message).toContain(received);
    expect(error.message).not.toContain("\n");
  });

  it("a model cut short anywhere", () => {
    const bytes = encodeModelToBytes(sampleDecoder());
    for (let i = 1; i < 64; i++) {
      expect(readError(bytes.subarray(0, Math.floor((bytes.length * i) / 64))).code).toBe("invalid-model");
    }
  });

  it("a string longer than the file", () => {
    const w = new BinaryWriter().tag(ModelField.producerName, WireType.LengthDelimited).uint32(0xfffffff0);
    expect(readError(w.finish()).message).toContain("a field of 4294967280 bytes");
  });

  it("graphs nested without end", () => {
    let graph: Graph = { ...emptyGraph, nodes: [plainNode("Relu", ["x"], ["y"])] };
    for (let i = 0; i < 40; i++) {
      const body: Attribute = { kind: "graph", value: graph };
      graph = {
        ...emptyGraph,
        nodes: [{ ...plainNode("If", ["c"], ["y"]), attributes: new Map([["then_branch", body]]) }],
      };
    }
    const bytes = encodeModelToBytes({ irVersion: 10, producerName: "", opsets: [], graph, functions: [] });
    expect(readError(bytes).message).toContain("nested graphs");
  });
});

const emptyGraph: Graph = { name: "", nodes: [], initializers: [], inputs: [], outputs: [], valueInfos: [] };

function plainNode(opType: string, inputs: readonly string[], outputs: readonly string[]): Node {
  return { name: "", opType, domain: "", inputs, outputs, attributes: new Map() };
}

function withFloat32Attributes(node: Node): Node {
  const attributes = [...node.attributes].map(([name, attribute]): [string, Attribute] => [
    name,
    attribute.kind === "float" ? { kind: "float", value: Math.fround(attribute.value) } : attribute,
  ]);
  return { ...node, attributes: new Map(attributes) };
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
