import type { Node } from "../onnx/model.ts";
import type { CacheNames } from "./cache-names.ts";
import { type GraphEdit, operatorOf } from "./graph-edit.ts";
import { readLivePast, returnRowsOf } from "./new-rows.ts";

/** Where an attention has its past among its inputs, and its present among its outputs: key, then value. */
interface CachePlaces {
  readonly past: readonly [number, number];
  readonly present: readonly [number, number];
}

/** Fused attention whose present is its past with the new rows behind it, besides GroupQueryAttention. */
const APPENDING: Readonly<Record<string, CachePlaces>> = {
  // com.microsoft.MultiHeadAttention: past_key, past_value; present_key, present_value.
  MultiHeadAttention: { past: [6, 7], present: [1, 2] },
};
/** ONNX's own Attention, from opset 23 on. com.microsoft has another of that name, with key and value in one tensor. */
const ONNX_ATTENTION: CachePlaces = { past: [4, 5], present: [1, 2] };

/** The attention that appends its new rows to `past` and gives `present`; undefined where it is none of those known here. */
export function appendingAttention(g: GraphEdit, { past, present }: CacheNames): Node | undefined {
  const node = g.producer(present);
  if (node === undefined) return undefined;
  const places = node.opType === "Attention" && node.domain === "" ? ONNX_ATTENTION : APPENDING[operatorOf(node)];
  const part = places?.present.findIndex((at) => node.outputs[at] === present) ?? -1;
  return part !== -1 && node.inputs[places!.past[part]!] === past ? node : undefined;
}

/** The attention reads the live positions of its past as before; its new rows alone come back. */
export function returnFusedRows(g: GraphEdit, scope: string, { past, present }: CacheNames): void {
  readLivePast(g, scope, past);
  returnRowsOf(g, scope, g.producer(present)!, present);
}
