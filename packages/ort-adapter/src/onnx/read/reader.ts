import type { WireType } from "@bufbuild/protobuf/wire";
import { invalidModel } from "../invalid-model.ts";
import type { Graph, Model, ModelFunction, OpsetImport } from "../model.ts";
import { ModelField, OpsetField } from "../proto.ts";
import type { ModelFiles } from "./byte-source.ts";
import { refuseOtherFormats } from "./other-formats.ts";
import type { ReadContext } from "./read-context.ts";
import { readFunction, readGraph } from "./read-graph.ts";
import { WireReader } from "./wire-reader.ts";

/** Memory of an opset import beside its name. */
const OPSET_BYTES = 100;

/**
 * Reads the graph of an ONNX model and leaves its weights where they are: tensors above 1 KiB keep only
 * type, dimensions and place. A model of any size is read in some hundred reads of a few KiB.
 * Attributes of more than 1 MiB (blobs of compiled kernels) and documentation are left out.
 *
 * @throws NearfreeError `invalid-model` for bytes that are not a whole ONNX model or external data that is too short or
 *   outside the model's folder, `missing-file` for external data that is not there.
 */
export function readModel(files: ModelFiles): Model {
  refuseOtherFormats(files);
  const reader = new WireReader(files.model);
  const context: ReadContext = { reader, files, depth: 0 };
  let irVersion = 0;
  let producerName = "";
  let graph: Graph | undefined;
  const opsets: OpsetImport[] = [];
  const functions: ModelFunction[] = [];
  reader.message({ start: 0, end: files.model.byteLength }, (field, wire) => {
    if (field === ModelField.irVersion) irVersion = reader.integer(wire);
    else if (field === ModelField.producerName) producerName = reader.string(wire);
    else if (field === ModelField.graph) graph = readGraph(context, wire);
    else if (field === ModelField.opsetImport) opsets.push(readOpset(reader, wire));
    else if (field === ModelField.functions) functions.push(readFunction(context, wire));
  });
  if (graph === undefined || graph.nodes.length === 0 || irVersion < 1) {
    throw invalidModel(files.model.name, {
      expected: "an ONNX model with a graph",
      received: graph === undefined ? "no graph" : irVersion < 1 ? "no IR version" : "a graph without nodes",
    });
  }
  return { irVersion, producerName, opsets, graph, functions };
}

function readOpset(reader: WireReader, wire: WireType): OpsetImport {
  reader.keep(OPSET_BYTES);
  let domain = "";
  let version = 0;
  reader.submessage(wire, (field, fieldWire) => {
    if (field === OpsetField.domain) domain = reader.string(fieldWire);
    else if (field === OpsetField.version) version = reader.integer(fieldWire);
  });
  return { domain: domain === "ai.onnx" ? "" : domain, version };
}
