import { classifyIo } from "../onnx/graph/classify-io.ts";
import { Values } from "../onnx/graph/constants.ts";
import { flatten } from "../onnx/graph/flatten.ts";
import { LengthValues } from "../onnx/graph/rows/length-values.ts";
import type { RowTraits } from "../onnx/graph/rows/row-traits.ts";
import type { Model, Node } from "../onnx/model.ts";
import { findCacheConcat } from "./cache-concat.ts";
import type { CacheNames } from "./cache-names.ts";
import { traceUses } from "./cache-uses.ts";
import { appendingAttention, returnFusedRows } from "./fused-cache.ts";
import { GraphEdit, operatorOf } from "./graph-edit.ts";
import { type ConcatSlot, returnNewRows, rewritePastShape, rewriteProducts } from "./lean-concat.ts";
import { gqaLayers, rewriteGqa, whyNotGqa } from "./lean-gqa.ts";
import { isOwnInput } from "./lean-inputs.ts";
import { readLivePast } from "./new-rows.ts";
import { editRowScales } from "./row-scales.ts";

/** Bumped whenever a rewrite changes: profiles and files of another version are not those of this one. */
export const REWRITE_VERSION = 2;

/**
 * What became of a decoder. `lean`: attention reads its cache once and returns new rows alone. `rows`: it returns new rows alone, and
 * joins them with the past inside. `none`: nothing could be changed.
 */
export type Rewrite =
  | { readonly form: "lean" | "rows"; readonly model: Model; readonly rowScales: boolean }
  | { readonly form: "none"; readonly reason: string };

/**
 * The same decoder whose presents are the new rows alone, and whose past is fed with room behind it. Where the attention is one that is
 * known, nothing of the past is copied either. Nothing is read or written but the graph; large weights stay where they are.
 * `most`: `rows` keeps the attention as it is, so that no bit changes.
 */
export function rewriteDecoder(
  model: Model,
  cache: readonly CacheNames[],
  { most = "lean" }: { readonly most?: "lean" | "rows" } = {},
): Rewrite {
  const g = new GraphEdit(model);
  if ([...g.inputs.keys()].some(isOwnInput)) return { form: "none", reason: "the graph is a rewrite already" };
  const captured = cache.flatMap(({ past, present }) => [past, present]).find((name) => g.isCaptured(name));
  if (captured !== undefined) return { form: "none", reason: `${captured} is read inside a branch` };
  const fused = [...g.nodes].some((node) => operatorOf(node) === "GroupQueryAttention");
  const form = fused ? editGqa(g, model, cache, most) : editConcats(g, cache, most);
  if (typeof form !== "string") return { form: "none", ...form };
  for (const { past, present, heads, headDim } of cache) {
    const batch = g.inputs.get(past)?.shape?.[0];
    g.reshape(past, [batch, heads, "capacity", headDim]);
    g.reshape(present, [batch, heads, "sequence_length", headDim]);
  }
  const rowScales = editRowScales(g);
  return { form, model: g.build(), rowScales };
}

/**
 * The traits of a rewritten graph, whose own graph says `traits`. In the form `lean` the sums of attention are cut where the past ends,
 * and its softmax runs over the room behind it: where a row falls in them depends on what its forward holds.
 */
export function rewrittenTraits(form: "lean" | "rows", traits: RowTraits): RowTraits {
  if (form === "rows") return traits;
  return { ...traits, unsteady: "attention over past and new rows apart" };
}

/** Why a graph is left as it is. */
interface Refusal {
  readonly reason: string;
}

function editGqa(
  g: GraphEdit,
  model: Model,
  cache: readonly CacheNames[],
  most: "lean" | "rows",
): "lean" | "rows" | Refusal {
  const layers = gqaLayers(g, cache);
  if (typeof layers === "string") return { reason: layers };
  const half = cache.some(({ past }) => g.inputs.get(past)?.type !== "float32");
  const lengths = lengthsOf(model);
  const fused = most === "rows" || half || layers.some((layer) => whyNotGqa(g, layer, lengths) !== undefined);
  if (!fused) {
    for (const [i, layer] of layers.entries()) rewriteGqa(g, layer, `/layer${i}`);
    return "lean";
  }
  if (layers.some(({ node }) => node.attributes.has("sliding_window_cache"))) {
    return { reason: "GroupQueryAttention that wants room for its window in the past" };
  }
  for (const [i, names] of cache.entries()) returnFusedRows(g, `/cache${i}`, names);
  return "rows";
}

function lengthsOf(model: Model): LengthValues {
  const graph = flatten(model, "every");
  return new LengthValues(graph, new Values(graph), classifyIo(graph.inputs, graph.outputs));
}

function editConcats(g: GraphEdit, cache: readonly CacheNames[], most: "lean" | "rows"): "lean" | "rows" | Refusal {
  const slots: ConcatSlot[] = [];
  const fused = cache.filter((names) => appendingAttention(g, names) !== undefined);
  for (const [i, { past, present, heads, headDim }] of cache.entries()) {
    if (fused.some((names) => names.past === past)) continue;
    const concat = findCacheConcat(g, past, present);
    if (concat === undefined) return { reason: `${present} is made in a way that is not known here` };
    if (concat.clipped) return { reason: `${present} is clipped to a window` };
    slots.push({ scope: `/cache${i}`, past, present, kvHeads: heads, headDim, concat });
  }
  for (const [i, names] of fused.entries()) returnFusedRows(g, `/fused${i}`, names);
  const lean = slots.map((slot) => editSlot(g, slot, most));
  return fused.length === 0 && lean.every((each) => each) ? "lean" : "rows";
}

/** Whether the past of this slot is no longer joined with the new rows. */
function editSlot(g: GraphEdit, slot: ConcatSlot, most: "lean" | "rows"): boolean {
  const joined = returnNewRows(g, slot);
  const uses = most === "lean" ? traceUses(g, joined) : undefined;
  const readers = pastReaders(g, slot.past, slot.concat.newRows);
  if (uses?.some(({ kind }) => kind !== "shape") && readers !== undefined && slot.concat.after.length === 0) {
    rewriteProducts(g, slot, uses);
    rewritePastShape(g, slot, readers);
    return true;
  }
  readLivePast(g, slot.scope, slot.past);
  return false;
}

/** Shape nodes that read the past, where nothing else but the joining does; undefined where something else does. */
function pastReaders(g: GraphEdit, past: string, newRows: string): Node[] | undefined {
  if (g.isCaptured(past)) return undefined;
  const shapes: Node[] = [];
  for (const node of g.readers(past)) {
    const operator = operatorOf(node);
    if (operator === "Shape") shapes.push(node);
    else if (operator === "Concat" && node.inputs.length === 1) {
      const behind = pastReaders(g, node.outputs[0]!, newRows);
      if (behind === undefined) return undefined;
      shapes.push(...behind);
    } else if (operator !== "Concat" || node.inputs[1] !== newRows) return undefined;
  }
  return shapes;
}
