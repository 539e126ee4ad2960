import { BinaryWriter } from "@bufbuild/protobuf/wire";
import type { Model } from "../model.ts";
import { GraphField, ModelField } from "../proto.ts";
import { message, writeValueInfo } from "./encode.ts";

/** What decides which experts of a layer a position goes to. */
export interface Router {
  /** Value name of its scores [positions, experts], of which a position's highest `active` count. */
  readonly scores: string;
  readonly active: number;
}

/** The routers in front of the fused mixtures of a model, in graph order; empty for a dense model. */
export function findRouters({ graph }: Model): Router[] {
  return graph.nodes.flatMap(({ opType, domain, inputs, attributes }): Router[] => {
    if (domain !== "com.microsoft" || !(opType === "MoE" || opType === "QMoE")) return [];
    const scores = inputs[1];
    const k = attributes.get("k");
    return scores ? [{ scores, active: k?.kind === "int" ? k.value : 1 }] : [];
  });
}

/**
 * What to append to the bytes of a model so that inner values called `names` become outputs too. A message that comes twice in
 * protobuf is merged: the graph gains these outputs and stays as it is, however large its weights are.
 */
export function encodeMoreOutputs(names: readonly string[]): Uint8Array {
  const w = new BinaryWriter();
  message(w, ModelField.graph, () => {
    // ONNX Runtime infers the types.
    for (const name of names) message(w, GraphField.output, () => writeValueInfo(w, { name }));
  });
  return w.finish();
}
