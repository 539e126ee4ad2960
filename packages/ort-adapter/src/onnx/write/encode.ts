import { type BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { NearfreeError } from "@nearfree/core";
import { bytesOf, dataTypeCode } from "../data-type.ts";
import type { Attribute, Graph, ModelFunction, Node, Tensor, ValueInfo } from "../model.ts";
import {
  AttributeField,
  AttributeKind,
  DataLocation,
  DimField,
  EntryField,
  FunctionField,
  GraphField,
  NodeField,
  ShapeField,
  TensorField,
  TensorTypeField,
  TypeField,
  ValueInfoField,
} from "../proto.ts";

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

/** Whether the tensor's bytes are in another file than the model. */
export function isExternal(tensor: Tensor): boolean {
  return tensor.stored?.location !== undefined;
}

/** Everything in the graph except its initializers. */
export function writeGraphBody(w: BinaryWriter, graph: Graph): void {
  for (const node of graph.nodes) message(w, GraphField.node, () => writeNode(w, node));
  text(w, GraphField.name, graph.name);
  for (const value of graph.inputs) message(w, GraphField.input, () => writeValueInfo(w, value));
  for (const value of graph.outputs) message(w, GraphField.output, () => writeValueInfo(w, value));
  for (const value of graph.valueInfos) message(w, GraphField.valueInfo, () => writeValueInfo(w, value));
}

/** Name, type, dimensions, and where external data is; all but embedded data. */
export function writeTensorFields(w: BinaryWriter, tensor: Tensor): void {
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

export function writeFunction(w: BinaryWriter, definition: ModelFunction): void {
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
      int(w, AttributeField.i, value);
      break;
    case "float":
      float(w, AttributeField.f, value);
      break;
    case "string":
      text(w, AttributeField.s, value);
      break;
    case "tensor":
      message(w, AttributeField.t, () => writeInlineTensor(w, value));
      break;
    case "graph":
      message(w, AttributeField.g, () => writeSubgraph(w, value));
      break;
    case "ints":
      for (const each of value) int(w, AttributeField.ints, each);
      break;
    case "floats":
      for (const each of value) float(w, AttributeField.floats, each);
      break;
    case "strings":
      for (const each of value) text(w, AttributeField.strings, each);
      break;
    case "tensors":
      for (const each of value) message(w, AttributeField.tensors, () => writeInlineTensor(w, each));
      break;
    case "graphs":
      for (const each of value) message(w, AttributeField.graphs, () => writeSubgraph(w, each));
      break;
    case "reference":
      text(w, AttributeField.refAttrName, value);
      break;
  }
}

export function writeValueInfo(w: BinaryWriter, { name, type, shape }: ValueInfo): void {
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

export function message(w: BinaryWriter, field: number, write: () => void): void {
  w.tag(field, WireType.LengthDelimited).fork();
  write();
  w.join();
}

export function int(w: BinaryWriter, field: number, value: number): void {
  w.tag(field, WireType.Varint).int64(value);
}

function float(w: BinaryWriter, field: number, value: number): void {
  w.tag(field, WireType.Bit32).float(value);
}

export function text(w: BinaryWriter, field: number, value: string): void {
  w.tag(field, WireType.LengthDelimited).string(value);
}
