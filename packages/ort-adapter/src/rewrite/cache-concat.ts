import { intAttribute } from "../onnx/graph/attributes.ts";
import type { Node } from "../onnx/model.ts";
import { type GraphEdit, operatorOf } from "./graph-edit.ts";

/** The node that puts a layer's new rows behind its past, as PyTorch exports write it. */
export interface CacheConcat {
  readonly node: Node;
  /** [batch, kvHeads, rows, headDim] */
  readonly newRows: string;
  /** What stands between the joined value and the graph's output: nothing, casts, or the slice of a window. */
  readonly after: readonly Node[];
  /** Whether a slice stands before or behind the joining: what is kept is a window of the text. */
  readonly clipped: boolean;
}

/** Operators through which a past is still that past, and a present that present. */
const PASSES = new Set(["Concat", "Cast", "Identity", "Slice"]);
const MOST_STEPS = 4;
/** Positions of [batch, kvHeads, positions, headDim]. */
const AXES = new Set([2, -2]);

/** The Concat that makes the output `present` out of the input `past`; undefined where it is made in another way. */
export function findCacheConcat(g: GraphEdit, past: string, present: string): CacheConcat | undefined {
  const after: Node[] = [];
  let node = g.producer(present);
  for (let step = 0; node !== undefined && step < MOST_STEPS; step++) {
    const [before = "", newRows = ""] = node.inputs;
    if (operatorOf(node) === "Concat" && node.inputs.length === 2) {
      const onto = wayFrom(g, before, past);
      if (onto === undefined || wayFrom(g, newRows, past) !== undefined) return undefined;
      if (!AXES.has(intAttribute(node, "axis") ?? 0)) return undefined;
      const clipped = [...onto, ...after].some((each) => operatorOf(each) === "Slice");
      return { node, newRows, after: after.reverse(), clipped };
    }
    if (!passes(node)) return undefined;
    after.push(node);
    node = g.producer(before);
  }
  return undefined;
}

function passes(node: Node): boolean {
  const operator = operatorOf(node);
  return PASSES.has(operator) && (operator !== "Concat" || node.inputs.length === 1);
}

/** The nodes from `past` to `value`, last first; undefined where it does not come from there. */
function wayFrom(g: GraphEdit, value: string, past: string): readonly Node[] | undefined {
  const way: Node[] = [];
  for (let name = value; way.length <= MOST_STEPS; name = way.at(-1)!.inputs[0]!) {
    if (name === past) return way;
    const node = g.producer(name);
    if (node === undefined || !passes(node)) return undefined;
    way.push(node);
  }
  return undefined;
}
