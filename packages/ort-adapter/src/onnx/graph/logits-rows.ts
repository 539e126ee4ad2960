import type { Node, ValueInfo } from "../model.ts";
import { intAttribute } from "./attributes.ts";
import type { Values } from "./constants.ts";
import type { NodeRole } from "./data-flow.ts";

/** Which positions get logits: all that were fed, the last one only (a pruned head), or not to be told from the graph. */
export type LogitsRows = "every" | "last" | "unknown";

/**
 * Looks for a head that was pruned to the last position: by the declared shape, or by a Gather or Slice of the sequence
 * axis with a fixed last index between the last weights and the logits.
 */
export function logitsRows(logits: ValueInfo, flow: readonly NodeRole[], values: Values): LogitsRows {
  const { shape } = logits;
  if (shape?.length === 2 || (shape?.length === 3 && shape[1] === 1)) return "last";
  const roles = new Map(flow.map((role) => [role.node, role]));
  const head = flow.findLast(({ weighted, toLogits }) => weighted !== undefined && toLogits);
  const pending = [logits.name, ...(head?.weighted?.activations ?? [])];
  const seen = new Set<string>();
  let rows: LogitsRows = "every";
  for (let value = pending.pop(); value !== undefined; value = pending.pop()) {
    const node = values.producer(value);
    if (node === undefined || seen.has(value)) continue;
    seen.add(value);
    const picked = pickedRows(node, values);
    if (picked === "last") return "last";
    if (picked === "unknown") rows = "unknown";
    const role = roles.get(node);
    if (role !== undefined && role.weighted === undefined && !role.attention) pending.push(...node.inputs);
  }
  return rows;
}

/** What a node leaves of the sequence, axis 1 of an activation. */
function pickedRows(node: Node, values: Values): LogitsRows {
  const [data = ""] = node.inputs;
  if (values.isConstant(data) || isIntegral(values.type(data))) return "every";
  if (node.opType === "Gather") {
    if (axisOf(intAttribute(node, "axis") ?? 0) !== 1) return "every";
    const indices = values.integers(node.inputs[1]);
    return indices?.length === 1 ? "last" : "unknown";
  }
  if (node.opType === "GatherND" || node.opType === "GatherElements") return "unknown";
  if (node.opType !== "Slice") return "every";
  const starts = values.integers(node.inputs[1]);
  const axes = values.integers(node.inputs[3]);
  const place = (axes ?? []).findIndex((axis) => axisOf(axis) === 1);
  if (axes !== undefined && place < 0) return "every";
  // A start that is computed comes from num_logits_to_keep, where 0 keeps all.
  return starts?.[Math.max(0, place)] === -1 ? "last" : "every";
}

/** Activations here have three axes: batch, sequence, width. */
function axisOf(axis: number): number {
  return axis < 0 ? axis + 3 : axis;
}

function isIntegral(type: string | undefined): boolean {
  return type === "int64" || type === "int32" || type === "bool";
}
