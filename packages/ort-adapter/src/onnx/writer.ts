import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { NearfreeError } from "@nearfree/core";
import { bytesOf, dataTypeCode } from "./data-type.ts";
import type { Attribute, Graph, Model, ModelFunction, Node, Tensor, ValueInfo } from "./model.ts";
import {
  AttributeField,
  AttributeKind,
  DataLocation,
  DimField,
  EntryField,
  FunctionField,
  GraphField,
  ModelField,
  NodeField,
  OpsetField,
  ShapeField,
  TensorField,
  TensorTypeField,
  TypeField,
  ValueInfoField,
} from "./proto.ts";

/** Bytes of a tensor's packed data, from its type and dimensions. */
export function tensorBytes(tensor: Pick<Tensor, "type" | "dims">): number {
  return bytesOf(
    tensor.type,
    tensor.dims.reduce((product, dim) => product * dim, 1),
  );
}

/**
 * The packed bytes of a tensor, made now if they are lazy.
 * @throws NearfreeError `invalid-argument` where they are missing or not as many as type and dimensions ask for.
 */
export function tensorData(tensor: Tensor): Uint8Array {
  const data = tensor.data ?? tensor.make?.();
  if (data === undefined || data.byteLength !== tensorBytes(tensor)) {
    throw new NearfreeError({
      code: "invalid-argument",
      from: "ort-adapter",
      what: `tensor ${tensor.name}`,
      expected: `${tensorBytes(tensor)} bytes for ${tensor.type} [${tensor.dims.join(", ")}]`,
      received: data === undefined ? "no data" : `${data.byteLength} bytes`,
      remedy: "give little-endian data of the declared type and dimensions",
    });
  }
  return data;
}

/**
 * Encodes a model as chunks to be written one after another. Weights are handed through uncopied and lazy ones are made
 * one at a time, so the peak is one tensor above what the caller holds. Initializers stored in another file
 * (`stored.location`) are written as references to it.
 */
export function* encodeModel(model: Model): Generator<Uint8Array> {
  const body = encodeGraphBody(model.graph);
  const headers = model.graph.initializers.map(encodeInitializerHeader);
  let graphBytes = body.byteLength;
  for (const [i, tensor] of model.graph.initializers.entries()) {
    graphBytes += headers[i]!.byteLength + (isExternal(tensor) ? 0 : tensorBytes(tensor));
  }
  // The graph comes last and its weights last within it: a reader finds the whole structure in the first bytes.
  yield encodeModelHead(model, graphBytes);
  yield body;
  for (const [i, tensor] of model.graph.initializers.entries()) {
    yield headers[i]!;
    if (!isExternal(tensor)) yield tensorData(tensor);
  }
}

/** A whole model in one buffer, as `InferenceSession.create` takes it. For small models: protobuf ends at 2 GB. */
export function encodeModelToBytes(model: Model): Uint8Array {
  const chunks = [...encodeModel(model)];
  const out = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0));
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.byteLength;
  }
  return out;
}

function isExternal(tensor: Tensor): boolean {
  return tensor.stored?.location !== undefined;
}

function encodeModelHead(model: Model, graphBytes: number): Uint8Array {
  const w = new BinaryWriter();
  int(w, ModelField.irVersion, model.irVersion);
  text(w, ModelField.producerName, model.producerName);
  for (const { domain, version } of model.opsets) {
    message(w, ModelField.opsetImport, () => {
      text(w, OpsetField.domain, domain);
      int(w, OpsetField.version, version);
    });
  }
  for (const definition of model.functions) message(w, ModelField.functions, () => writeFunction(w, definition));
  return w.tag(ModelField.graph, WireType.LengthDelimited).uint32(graphBytes).finish();
}

/** Everything in the graph except its initializers. */
function encodeGraphBody(graph: Graph): Uint8Array {
  const w = new BinaryWriter();
  writeGraphBody(w, graph);
  return w.finish();
}

/** An initializer up to its data, which follows unless it is external. */
function encodeInitializerHeader(tensor: Tensor): Uint8Array {
  const fields = new BinaryWriter();
  const dataBytes = isExternal(tensor) ? 0 : tensorBytes(tensor);
  writeTensorFields(fields, tensor);
  if (!isExternal(tensor)) fields.tag(TensorField.rawData, WireType.LengthDelimited).uint32(dataBytes);
  const head = fields.finish();
  return new BinaryWriter()
    .tag(GraphField.initializer, WireType.LengthDelimited)
    .uint32(head.byteLength + dataBytes)
    .raw(head)
    .finish();
}

function writeGraphBody(w: BinaryWriter, graph: Graph): void {
  for (const node of graph.nodes) message(w, GraphField.node, () => writeNode(w, node));
  text(w, GraphField.name, graph.name);
  for (const value of graph.inputs) message(w, GraphField.input, () => writeValueInfo(w, value));
  for (const value of graph.outputs) message(w, GraphField.output, () => writeValueInfo(w, value));
  for (const value of graph.valueInfos) message(w, GraphField.valueInfo, () => writeValueInfo(w, value));
}

/** Name, type and dimensions, and where external data is; all but embedded data. */
function writeTensorFields(w: BinaryWriter, tensor: Tensor): void {
  w.tag(TensorField.dims, WireType.LengthDelimited).fork();
  for (const dim of tensor.dims) w.int64(dim);
  w.join();
  int(w, TensorField.dataType, dataTypeCode(tensor.type));
  text(w, TensorField.name, tensor.name);
  const { location, offset, length } = tensor.stored ?? {};
  if (location === undefined) return;
  for (const [key, value] of Object.entries({ location, offset, length })) {
    message(w, TensorField.externalData, () => {
      text(w, EntryField.key, key);
      text(w, EntryField.value, String(value));
    });
  }
  int(w, TensorField.dataLocation, DataLocation.external);
}

function writeInlineTensor(w: BinaryWriter, tensor: Tensor): void {
  writeTensorFields(w, tensor);
  if (!isExternal(tensor)) w.tag(TensorField.rawData, WireType.LengthDelimited).bytes(tensorData(tensor));
}

function writeSubgraph(w: BinaryWriter, graph: Graph): void {
  writeGraphBody(w, graph);
  for (const tensor of graph.initializers) message(w, GraphField.initializer, () => writeInlineTensor(w, tensor));
}

function writeFunction(w: BinaryWriter, definition: ModelFunction): void {
  text(w, FunctionField.name, definition.name);
  for (const input of definition.inputs) text(w, FunctionField.input, input);
  for (const output of definition.outputs) text(w, FunctionField.output, output);
  for (const node of definition.nodes) message(w, FunctionField.node, () => writeNode(w, node));
  text(w, FunctionField.domain, definition.domain);
}

function writeNode(w: BinaryWriter, node: Node): void {
  for (const input of node.inputs) text(w, NodeField.input, input);
  for (const output of node.outputs) text(w, NodeField.output, output);
  text(w, NodeField.name, node.name);
  text(w, NodeField.opType, node.opType);
  for (const [name, attribute] of node.attributes) {
    message(w, NodeField.attribute, () => {
      text(w, AttributeField.name, name);
      writeAttributeValue(w, attribute);
      if (attribute.kind !== "reference") int(w, AttributeField.type, AttributeKind[attribute.kind]);
    });
  }
  if (node.domain !== "") text(w, NodeField.domain, node.domain);
}

function writeAttributeValue(w: BinaryWriter, { kind, value }: Attribute): void {
  switch (kind) {
    case "int":
      return int(w, AttributeField.i, value);
    case "float":
      return float(w, AttributeField.f, value);
    case "string":
      return text(w, AttributeField.s, value);
    case "tensor":
      return message(w, AttributeField.t, () => writeInlineTensor(w, value));
    case "graph":
      return message(w, AttributeField.g, () => writeSubgraph(w, value));
    case "ints":
      for (const each of value) int(w, AttributeField.ints, each);
      return;
    case "floats":
      for (const each of value) float(w, AttributeField.floats, each);
      return;
    case "strings":
      for (const each of value) text(w, AttributeField.strings, each);
      return;
    case "tensors":
      for (const each of value) message(w, AttributeField.tensors, () => writeInlineTensor(w, each));
      return;
    case "graphs":
      for (const each of value) message(w, AttributeField.graphs, () => writeSubgraph(w, each));
      return;
    case "reference":
      return text(w, AttributeField.refAttrName, value);
  }
}

function writeValueInfo(w: BinaryWriter, { name, type, shape }: ValueInfo): void {
  text(w, ValueInfoField.name, name);
  if (type === undefined) return;
  message(w, ValueInfoField.type, () => {
    message(w, TypeField.tensorType, () => {
      int(w, TensorTypeField.elementType, dataTypeCode(type));
      if (shape === undefined) return;
      message(w, TensorTypeField.shape, () => {
        for (const dim of shape) {
          message(w, ShapeField.dim, () => {
            if (typeof dim === "number") int(w, DimField.value, dim);
            else if (dim !== undefined) text(w, DimField.param, dim);
          });
        }
      });
    });
  });
}

function message(w: BinaryWriter, field: number, write: () => void): void {
  w.tag(field, WireType.LengthDelimited).fork();
  write();
  w.join();
}

function int(w: BinaryWriter, field: number, value: number): void {
  w.tag(field, WireType.Varint).int64(value);
}

function float(w: BinaryWriter, field: number, value: number): void {
  w.tag(field, WireType.Bit32).float(value);
}

function text(w: BinaryWriter, field: number, value: string): void {
  w.tag(field, WireType.LengthDelimited).string(value);
}
