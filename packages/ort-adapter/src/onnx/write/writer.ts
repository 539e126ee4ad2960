import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Graph, Model, Tensor } from "../model.ts";
import { GraphField, ModelField, OpsetField, TensorField } from "../proto.ts";
import {
  int,
  isExternal,
  message,
  tensorBytes,
  tensorData,
  text,
  writeFunction,
  writeGraphBody,
  writeTensorFields,
} from "./encode.ts";

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
