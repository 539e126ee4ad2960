import type { Node } from "../onnx/model.ts";
import type { GraphEdit } from "./graph-edit.ts";

/** The node that puts a layer's new rows behind its past, as PyTorch exports write it. */
export interface CacheConcat {
  readonly node: Node;
  /** [batch, kvHeads, rows, headDim] */
  readonly newRows: string;
  /** What stands between the joined value and the graph's output: nothing, casts, or the slice of a window. */
  readonly after: readonly Node[];
}

/** Operators through which a past is still that past, and a present that present. */
const PASSES = new Set(["Concat", "Cast", "Identity", "Slice"]);
const MOST_STEPS = 4;

/** The Concat that makes the output `present` out of the input `past`; undefined where it is made in another way. */
export function findCacheConcat(g: GraphEdit, past: string, present: string): CacheConcat | undefined {
  const after: Node[] = [];
  let node = g.producer(present);
  for (let step = 0; node !== undefined && step < MOST_STEPS; step++) {
    const [before = "", newRows = ""] = node.inputs;
    if (node.opType === "Concat" && node.inputs.length === 2 && comesFrom(g, before, past)) {
      return { node, newRows, after: after.reverse() };
    }
    if (!PASSES.has(node.opType) || (node.opType === "Concat" && node.inputs.length > 1)) return undefined;
    after.push(node);
    node = g.producer(before);
  }
  return undefined;
}

function comesFrom(g: GraphEdit, value: string, past: string): boolean {
  let name = value;
  for (let step = 0; step <= MOST_STEPS; step++) {
    if (name === past) return true;
    const node = g.producer(name);
    if (node === undefined || !PASSES.has(node.opType)) return false;
    if (node.opType === "Concat" && node.inputs.length > 1) return false;
    name = node.inputs[0]!;
  }
  return false;
}
