import type { WireType } from "@bufbuild/protobuf/wire";
import type { Attribute, Graph, Tensor } from "../model.ts";
import { AttributeField, AttributeKind } from "../proto.ts";
import type { ReadContext } from "./read-context.ts";
import { readTensor } from "./read-tensor.ts";

/** Memory of an attribute while it is read, beside what it holds. */
const ATTRIBUTE_BYTES = 300;

/** Everything an AttributeProto can hold; which field counts is told by its type. */
interface AttributeFields {
  name: string;
  type: number;
  float: number;
  int: number;
  string: string | undefined;
  tensor: Tensor | undefined;
  graph: Graph | undefined;
  reference: string;
  readonly floats: number[];
  readonly ints: number[];
  readonly strings: string[];
  readonly tensors: Tensor[];
  readonly graphs: Graph[];
  /** A list that was too long to keep. */
  dropped: boolean;
}

/** Passed in, since graphs hold attributes and attributes hold graphs. */
type ReadGraph = (context: ReadContext, wire: WireType) => Graph;

/** Reads the AttributeProto in the field at hand; the attribute is undefined where nearfree has no use for its value. */
export function readAttribute(
  context: ReadContext,
  wire: WireType,
  readGraph: ReadGraph,
): { name: string; attribute: Attribute | undefined } {
  const fields = readFields(context, wire, readGraph);
  return { name: fields.name, attribute: attributeOf(fields) };
}

function readFields(context: ReadContext, wire: WireType, readGraph: ReadGraph): AttributeFields {
  const { reader } = context;
  reader.keep(ATTRIBUTE_BYTES);
  const fields: AttributeFields = {
    name: "",
    type: 0,
    float: 0,
    int: 0,
    string: "",
    tensor: undefined,
    graph: undefined,
    reference: "",
    floats: [],
    ints: [],
    strings: [],
    tensors: [],
    graphs: [],
    dropped: false,
  };
  reader.submessage(wire, (field, fieldWire) => {
    // Early exporters left the type out: then the field that is there tells it.
    fields.type ||= TYPE_OF_FIELD.get(field) ?? 0;
    if (field === AttributeField.name) fields.name = reader.string(fieldWire);
    else if (field === AttributeField.type) fields.type = reader.integer(fieldWire);
    else if (field === AttributeField.f) fields.float = reader.float(fieldWire);
    else if (field === AttributeField.i) fields.int = reader.integer(fieldWire);
    else if (field === AttributeField.s) fields.string = reader.shortString(fieldWire);
    else if (field === AttributeField.t) fields.tensor = readTensor(context, fieldWire);
    else if (field === AttributeField.g) fields.graph = readGraph(context, fieldWire);
    else if (field === AttributeField.refAttrName) fields.reference = reader.string(fieldWire);
    else if (field === AttributeField.floats) fields.dropped = !reader.floats(fieldWire, fields.floats);
    else if (field === AttributeField.ints) fields.dropped = !reader.integers(fieldWire, fields.ints);
    else if (field === AttributeField.strings) fields.strings.push(reader.string(fieldWire));
    else if (field === AttributeField.tensors) fields.tensors.push(readTensor(context, fieldWire));
    else if (field === AttributeField.graphs) fields.graphs.push(readGraph(context, fieldWire));
  });
  return fields;
}

const TYPE_OF_FIELD = new Map<number, number>([
  [AttributeField.f, AttributeKind.float],
  [AttributeField.i, AttributeKind.int],
  [AttributeField.s, AttributeKind.string],
  [AttributeField.t, AttributeKind.tensor],
  [AttributeField.g, AttributeKind.graph],
  [AttributeField.floats, AttributeKind.floats],
  [AttributeField.ints, AttributeKind.ints],
  [AttributeField.strings, AttributeKind.strings],
  [AttributeField.tensors, AttributeKind.tensors],
  [AttributeField.graphs, AttributeKind.graphs],
]);

function attributeOf(fields: AttributeFields): Attribute | undefined {
  if (fields.reference !== "") return { kind: "reference", value: fields.reference };
  if (fields.dropped) return undefined;
  switch (fields.type) {
    case AttributeKind.float:
      return { kind: "float", value: fields.float };
    case AttributeKind.int:
      return { kind: "int", value: fields.int };
    case AttributeKind.string:
      return fields.string === undefined ? undefined : { kind: "string", value: fields.string };
    case AttributeKind.tensor:
      return fields.tensor && { kind: "tensor", value: fields.tensor };
    case AttributeKind.graph:
      return fields.graph && { kind: "graph", value: fields.graph };
    case AttributeKind.floats:
      return { kind: "floats", value: fields.floats };
    case AttributeKind.ints:
      return { kind: "ints", value: fields.ints };
    case AttributeKind.strings:
      return { kind: "strings", value: fields.strings };
    case AttributeKind.tensors:
      return { kind: "tensors", value: fields.tensors };
    case AttributeKind.graphs:
      return { kind: "graphs", value: fields.graphs };
    default:
      return undefined;
  }
}
