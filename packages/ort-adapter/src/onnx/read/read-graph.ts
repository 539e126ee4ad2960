import type { WireType } from "@bufbuild/protobuf/wire";
import type { Attribute, Graph, ModelFunction, Node, Tensor, ValueInfo } from "../model.ts";
import { FunctionField, GraphField, NodeField } from "../proto.ts";
import { readAttribute } from "./read-attribute.ts";
import type { ReadContext } from "./read-context.ts";
import { readTensor } from "./read-tensor.ts";
import { readValueInfo } from "./read-value-info.ts";

/** Bodies within bodies (If, Loop, Scan): real models stop at two or three. */
const MAX_GRAPH_DEPTH = 16;

/** Memory of an operator and of what is made of it later, of a graph, and of a function, beside what they hold. */
const NODE_BYTES = 1200;
const GRAPH_BYTES = 1000;

/** Reads the GraphProto in the field at hand; bodies of If, Loop and Scan come here too. */
export function readGraph(context: ReadContext, wire: WireType): Graph {
  const { reader } = context;
  if (context.depth >= MAX_GRAPH_DEPTH) throw reader.invalid(`at most ${MAX_GRAPH_DEPTH} nested graphs`, "more");
  reader.keep(GRAPH_BYTES);
  const inner = { ...context, depth: context.depth + 1 };
  let name = "";
  const nodes: Node[] = [];
  const initializers: Tensor[] = [];
  const inputs: ValueInfo[] = [];
  const outputs: ValueInfo[] = [];
  const valueInfos: ValueInfo[] = [];
  reader.submessage(wire, (field, fieldWire) => {
    if (field === GraphField.node) nodes.push(readNode(inner, fieldWire));
    else if (field === GraphField.name) name = reader.string(fieldWire);
    else if (field === GraphField.initializer) initializers.push(readTensor(context, fieldWire));
    else if (field === GraphField.input) inputs.push(readValueInfo(reader, fieldWire));
    else if (field === GraphField.output) outputs.push(readValueInfo(reader, fieldWire));
    else if (field === GraphField.valueInfo) valueInfos.push(readValueInfo(reader, fieldWire));
  });
  return { name, nodes, initializers, inputs, outputs, valueInfos };
}

function readNode(context: ReadContext, wire: WireType): Node {
  const { reader } = context;
  reader.keep(NODE_BYTES);
  let name = "";
  let opType = "";
  let domain = "";
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes = new Map<string, Attribute>();
  reader.submessage(wire, (field, fieldWire) => {
    if (field === NodeField.input) inputs.push(reader.string(fieldWire));
    else if (field === NodeField.output) outputs.push(reader.string(fieldWire));
    else if (field === NodeField.name) name = reader.string(fieldWire);
    else if (field === NodeField.opType) opType = reader.string(fieldWire);
    else if (field === NodeField.domain) domain = reader.string(fieldWire);
    else if (field === NodeField.attribute) {
      const read = readAttribute(context, fieldWire, readGraph);
      if (read.attribute !== undefined) attributes.set(read.name, read.attribute);
    }
  });
  if (opType === "") throw reader.invalid("an operator in every node", `none in ${JSON.stringify(name.slice(0, 80))}`);
  return { name, opType, domain: domain === "ai.onnx" ? "" : domain, inputs, outputs, attributes };
}

/** Reads the FunctionProto in the field at hand. */
export function readFunction(context: ReadContext, wire: WireType): ModelFunction {
  const { reader } = context;
  reader.keep(GRAPH_BYTES);
  let name = "";
  let domain = "";
  const inputs: string[] = [];
  const outputs: string[] = [];
  const nodes: Node[] = [];
  reader.submessage(wire, (field, fieldWire) => {
    if (field === FunctionField.name) name = reader.string(fieldWire);
    else if (field === FunctionField.domain) domain = reader.string(fieldWire);
    else if (field === FunctionField.input) inputs.push(reader.string(fieldWire));
    else if (field === FunctionField.output) outputs.push(reader.string(fieldWire));
    else if (field === FunctionField.node) nodes.push(readNode(context, fieldWire));
  });
  return { name, domain, inputs, outputs, nodes };
}
