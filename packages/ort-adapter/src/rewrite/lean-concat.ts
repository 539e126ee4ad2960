import { floatAttribute, intAttribute, MICROSOFT } from "../build/graph-builder.ts";
import { intAttribute as intOf } from "../onnx/graph/attributes.ts";
import type { Node } from "../onnx/model.ts";
import type { CacheConcat } from "./cache-concat.ts";
import type { Axis, ProductUse, ShapeUse } from "./cache-uses.ts";
import type { GraphEdit } from "./graph-edit.ts";
import { pastLength } from "./lean-inputs.ts";

/** Key or value cache of one layer in a graph of plain operators. */
export interface ConcatSlot {
  readonly scope: string;
  readonly past: string;
  readonly present: string;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly concat: CacheConcat;
}

/**
 * Writes the products over a joined cache as two, over the fed past and over the new rows: a product with two sets of columns side by
 * side is two products side by side, and one over two sets of rows is the sum of two. The graph's own mask stays.
 * The past is fed with room to spare: the columns of the room are cut off before the mask sees them, and weigh nothing afterwards.
 *
 * As in `addLeanAttention`, the query heads of a K/V head are rows of one product, but for a single new row.
 */
export function rewriteProducts(g: GraphEdit, slot: ConcatSlot, uses: readonly (ProductUse | ShapeUse)[]): void {
  const product = uses.find((use) => use.kind !== "shape");
  const queries = { value: product?.node.inputs[0] ?? "", rank: product?.axes.length ?? 0 };
  for (const [i, use] of uses.entries()) {
    g.remove(use.node);
    const scope = `${slot.scope}/${i}`;
    if (use.kind === "shape") writeShape(g, scope, slot, use, queries);
    else if (use.kind === "keys") writeScores(g, scope, slot, use);
    else writeMix(g, scope, slot, use);
  }
}

function writeScores(g: GraphEdit, scope: string, slot: ConcatSlot, { node, factors, axes }: ProductUse): void {
  const queries = inRows(g, `${scope}/queries`, node.inputs[0]!, slot, axes, slot.headDim);
  const product = (part: string, keys: string) =>
    g.add(`${scope}/${part}`, "FusedMatMul", [queries, alone(g, `${scope}/${part}/keys`, keys)], {
      domain: MICROSOFT,
      attributes: { alpha: floatAttribute(1), transB: intAttribute(1) },
    });
  const room = product("room", slot.past);
  const past = g.add(`${scope}/past`, "Slice", [room, g.int64s(0), pastLength(g), g.int64s(4)]);
  const joined = join(g, `${scope}/joined`, [past, product("new", slot.concat.newRows)], 4);
  const scaled = scaledBy(g, scope, factors, joined);
  backToRank(g, `${scope}/scores`, scaled, slot, axes, ["columns", columnsOf(g, slot)], node.outputs[0]!);
}

/** `value` times the numbers that stood on the way from the cache: a product is scaled as one of its sides was. */
function scaledBy(g: GraphEdit, scope: string, factors: readonly Node[], value: string): string {
  return factors.reduce(
    (scaled, factor, i) => g.add(`${scope}/factor${i}`, factor.opType, [scaled, factor.inputs[1]!]),
    value,
  );
}

function writeMix(g: GraphEdit, scope: string, slot: ConcatSlot, { node, factors, axes }: ProductUse): void {
  const flat = inRows(g, `${scope}/shares`, node.inputs[0]!, slot, axes, columnsOf(g, slot));
  const lengths = g.once("/lengths", () => join(g, "/lengths", [pastLength(g), rowsOf(g, slot)], 0));
  const [past, now] = g.addTo(
    [`/nearfree${scope}/past`, `/nearfree${scope}/new`],
    `${scope}/split`,
    "Split",
    [flat, lengths],
    { attributes: { axis: intAttribute(4) } },
  ) as [string, string];
  const padded = g.add(`${scope}/padded`, "Pad", [past, roomPads(g, slot)]);
  const mixed = g.add(`${scope}/mixed`, "Add", [
    g.add(`${scope}/mixed/past`, "MatMul", [padded, alone(g, `${scope}/past/values`, slot.past)]),
    g.add(`${scope}/mixed/new`, "MatMul", [now, alone(g, `${scope}/new/values`, slot.concat.newRows)]),
  ]);
  const scaled = scaledBy(g, scope, factors, mixed);
  backToRank(g, `${scope}/output`, scaled, slot, axes, [`${slot.headDim}`, g.int64s(slot.headDim)], node.outputs[0]!);
}

function alone(g: GraphEdit, name: string, value: string): string {
  return g.add(name, "Unsqueeze", [value, g.int64s(2)]);
}

function join(g: GraphEdit, name: string, parts: readonly string[], axis: number): string {
  return g.add(name, "Concat", parts, { attributes: { axis: intAttribute(axis) } });
}

/** [batch, kvHeads, groups, 1, last] for a single new row, [batch, kvHeads, 1, groups * rows, last] for several. */
function inRows(
  g: GraphEdit,
  name: string,
  value: string,
  slot: ConcatSlot,
  axes: readonly Axis[],
  last: number | string,
): string {
  const batch = axes[0] === "B" ? 0 : 1;
  const scope = `/rows/${batch}x${slot.kvHeads}x${typeof last === "number" ? last : "columns"}`;
  const shape = g.once(scope, () => {
    const split = g.once("/rows/axes", () => {
      const single = g.add("/rows/single", "Equal", [rowsOf(g, slot), g.int64s(1)]);
      return g.add("/rows/axes", "Where", [single, g.int64s(-1, 1), g.int64s(1, -1)]);
    });
    return join(g, scope, [g.int64s(batch, slot.kvHeads), split, typeof last === "number" ? g.int64s(last) : last], 0);
  });
  return g.add(name, "Reshape", [value, shape]);
}

/** The axes that the graph's own product had: heads in one axis, or apart, or with the batch. */
function backToRank(
  g: GraphEdit,
  name: string,
  value: string,
  slot: ConcatSlot,
  axes: readonly Axis[],
  [label, last]: readonly [string, string],
  output: string,
): void {
  const before = axes[0] === "BH" ? [-1] : axes.length === 5 ? [0, slot.kvHeads, -1] : [0, -1];
  const scope = `/rank/${before.join("x")}x${label}`;
  const shape = g.once(scope, () => join(g, scope, [g.int64s(...before), rowsOf(g, slot), last], 0));
  g.add(name, "Reshape", [value, shape], { output });
}

/** int64 [10]: zeros of the shares for the room behind the past. */
function roomPads(g: GraphEdit, slot: ConcatSlot): string {
  return g.once("/room/pads", () => {
    const shape = g.add("/room/shape", "Shape", [slot.past]);
    const capacity = g.add("/room/capacity", "Slice", [shape, g.int64s(2), g.int64s(3)]);
    const room = g.add("/room", "Sub", [capacity, pastLength(g)]);
    return join(g, "/room/pads", [g.int64s(0, 0, 0, 0, 0, 0, 0, 0, 0), room], 0);
  });
}

/** int64 [1]: new rows of this forward. The same in every layer. */
function rowsOf(g: GraphEdit, { concat }: ConcatSlot): string {
  return g.once("/rows", () => {
    const shape = g.add("/rows/shape", "Shape", [concat.newRows]);
    return g.add("/rows", "Slice", [shape, g.int64s(2), g.int64s(3)]);
  });
}

/** int64 [1]: live positions and new rows, as the graph's own mask counts them. */
function columnsOf(g: GraphEdit, slot: ConcatSlot): string {
  return g.once("/columns", () => g.add("/columns", "Add", [pastLength(g), rowsOf(g, slot)]));
}

/** What is multiplied with the keys, or the shares that the values are mixed by: heads lie on its axis 1, or their groups on axis 2. */
interface Queries {
  readonly value: string;
  readonly rank: number;
}

/** The shape that the joined value would have, without joining it. */
function writeShape(g: GraphEdit, scope: string, slot: ConcatSlot, { node, axes }: ShapeUse, queries: Queries): void {
  const ofQuery = (axis: number) => {
    const shape = g.once(`${slot.scope}/query`, () => g.add(`${slot.scope}/query`, "Shape", [queries.value]));
    return g.once(`${slot.scope}/query/${axis}`, () =>
      g.add(`${slot.scope}/query/${axis}`, "Slice", [shape, g.int64s(axis), g.int64s(axis + 1)]),
    );
  };
  const groups = () =>
    queries.rank === 5 ? ofQuery(2) : g.add(`${scope}/groups`, "Div", [ofQuery(1), g.int64s(slot.kvHeads)]);
  const dims = axes.map((axis) => (axis === "G" ? groups() : sizeOf(g, axis, slot, ofQuery)));
  cutShape(g, scope, join(g, `${scope}/dims`, dims, 0), node);
}

/** What a Shape node gives of a whole shape: all of it, or the part that its attributes name. */
function cutShape(g: GraphEdit, scope: string, whole: string, node: Node): void {
  const [start, end] = [intOf(node, "start") ?? 0, intOf(node, "end") ?? MOST_AXES];
  g.add(`${scope}/part`, "Slice", [whole, g.int64s(start), g.int64s(end)], { output: node.outputs[0]! });
}

function sizeOf(g: GraphEdit, axis: Axis, slot: ConcatSlot, ofQuery: (axis: number) => string): string {
  switch (axis) {
    case "K":
      return g.int64s(slot.kvHeads);
    case "D":
      return g.int64s(slot.headDim);
    case "T":
      return columnsOf(g, slot);
    case "H":
      return ofQuery(1);
    case "B":
    case "BH":
      return ofQuery(0);
    default:
      return g.int64s(1);
  }
}

/** Beyond the rank of any tensor. */
const MOST_AXES = 64;

/** Readers of the past's shape see its live positions, not the room behind them. */
export function rewritePastShape(g: GraphEdit, slot: ConcatSlot, readers: readonly Node[]): void {
  const length = pastLength(g);
  for (const [i, node] of readers.entries()) {
    const scope = `${slot.scope}/past${i}`;
    g.remove(node);
    const whole = join(g, `${scope}/dims`, [g.int64s(1, slot.kvHeads), length, g.int64s(slot.headDim)], 0);
    cutShape(g, scope, whole, node);
  }
}

/** The new rows become the output `present`. Returns the name under which the graph goes on with the joined value. */
export function returnNewRows(g: GraphEdit, { scope, present, concat }: ConcatSlot): string {
  const { node, newRows, after } = concat;
  const last = after.at(-1) ?? node;
  // Inside the graph the joined value goes on under a name of its own.
  const inner = `/nearfree${scope}/joined`;
  g.remove(last);
  g.addNode({ ...last, outputs: [inner] });
  g.redirect(present, inner);
  const casts = after.filter(({ opType }) => opType === "Cast");
  if (casts.length === 0) g.add(`${scope}/new`, "Identity", [newRows], { output: present });
  casts.reduce((value, cast, i) => {
    const name = `/nearfree${scope}/new${i}`;
    const output = cast === casts.at(-1) ? present : name;
    g.addNode({ ...cast, name, inputs: [value], outputs: [output] });
    return output;
  }, newRows);
  return last === node ? inner : node.outputs[0]!;
}
