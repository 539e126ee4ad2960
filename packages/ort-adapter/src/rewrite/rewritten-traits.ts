import type { RowTraits } from "../onnx/graph/rows/row-traits.ts";

/**
 * The traits of a rewritten graph, whose own graph says `traits`. In the form `lean` the sums of attention are cut where the past ends,
 * and its softmax runs over the room behind it: where a row falls in them depends on what its forward holds.
 */
export function rewrittenTraits(form: "lean" | "rows", traits: RowTraits): RowTraits {
  if (form === "rows") return traits;
  return { ...traits, unsteady: "attention over past and new rows apart" };
}
