import { floatAttribute, intAttribute, intsAttribute, MICROSOFT } from "../build/graph-builder.ts";
import type { GraphEdit } from "./graph-edit.ts";

/** Attention of one layer over a fed past and over the new rows, apart. Names are of values in the graph. */
export interface LeanAttention {
  /** Prefix of the names of its nodes, one a layer. */
  readonly scope: string;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly scale: number;
  /** Scores become softcap * tanh(scores / softcap); 0: as they are. */
  readonly softcap: number;
  /** [batch, rows, heads * headDim], rotated. */
  readonly queries: string;
  /** [batch, kvHeads, rows, headDim], rotated: the new rows of the cache. */
  readonly keys: string;
  readonly values: string;
  /** [batch, kvHeads, capacity, headDim]: fed, whatever lies beyond the live positions. */
  readonly pastKeys: string;
  readonly pastValues: string;
  /** [batch | 1, 1, rows, capacity + rows], added to the scores: 0 where a row sees a position, else very small. */
  readonly bias: string;
  /** [heads]: a score beside the positions' own that takes its share of the softmax; "" where there is none. */
  readonly sinks: string;
  /** Name that the result [batch, rows, heads * headDim] must have. */
  readonly output: string;
}

/**
 * Adds attention that reads its cache once: scores over the past and over the new rows, one softmax over both, and a sum of what each
 * half brings. Nothing of the past is concatenated, transposed, repeated or returned.
 *
 * The query heads that share a K/V head are rows of one product, so that its keys are packed for the kernel once. A single new row is
 * the exception: a product of one row needs no packing at all, so each query head then has a product of its own. Between [batch,
 * kvHeads] and the last axis every value has two axes: [groups, 1] for a single row, [1, groups * rows] for several.
 */
export function addLeanAttention(g: GraphEdit, layer: LeanAttention): void {
  const { scope, heads, kvHeads, headDim } = layer;
  const groups = heads / kvHeads;
  const name = (part: string) => `${scope}/${part}`;
  const attributes = { axis: intAttribute(4) };
  const transpose = (part: string, value: string, ...perm: number[]) =>
    g.add(name(part), "Transpose", [value], { attributes: { perm: intsAttribute(perm) } });
  const alone = (part: string, value: string) => g.add(name(part), "Unsqueeze", [value, g.int64s(2)]);

  const scaled = g.add(name("q/scaled"), "Mul", [layer.queries, g.float32(layer.scale)]);
  const split = g.add(name("q/split"), "Reshape", [scaled, g.int64s(0, 0, kvHeads, groups, headDim)]);
  const queries = inRows(g, name("q/rows"), layer, transpose("q/heads", split, 0, 2, 3, 1, 4), headDim);
  const product = (part: string, keys: string) =>
    g.add(name(part), "FusedMatMul", [queries, alone(`${part}/keys`, keys)], {
      domain: MICROSOFT,
      attributes: { alpha: floatAttribute(1), transB: intAttribute(1) },
    });
  const both = [product("scores/past", layer.pastKeys), product("scores/new", layer.keys)];
  const joined = g.add(name("scores"), "Concat", both, { attributes });
  const capped = layer.softcap > 0 ? softcap(g, name("softcap"), joined, layer.softcap) : joined;
  const biased = g.add(name("biased"), "Add", [capped, biasInRows(g, layer.bias, groups)]);
  const [past, now] = shares(g, layer, biased) as [string, string];
  const mixed = g.add(name("mixed"), "Add", [
    g.add(name("mixed/past"), "MatMul", [past, alone("mixed/past/values", layer.pastValues)]),
    g.add(name("mixed/new"), "MatMul", [now, alone("mixed/new/values", layer.values)]),
  ]);
  const perHead = g.add(name("rows/split"), "Reshape", [mixed, g.int64s(0, 0, groups, -1, headDim)]);
  const rows = transpose("rows", perHead, 0, 3, 1, 2, 4);
  g.add(name("output"), "Reshape", [rows, g.int64s(0, 0, heads * headDim)], { output: layer.output });
}

function softcap(g: GraphEdit, name: string, scores: string, cap: number): string {
  const scaled = g.add(`${name}/scaled`, "Div", [scores, g.float32(cap)]);
  return g.add(name, "Mul", [g.add(`${name}/tanh`, "Tanh", [scaled]), g.float32(cap)]);
}

/** The two halves of the softmax over past and new rows. */
function shares(g: GraphEdit, layer: LeanAttention, scores: string): readonly string[] {
  const { scope, sinks, bias } = layer;
  const attributes = { axis: intAttribute(4) };
  const softmax = (value: string) =>
    g.add(`${scope}/softmax`, "Softmax", [value], { attributes: { axis: intAttribute(-1) } });
  const parts = [`/nearfree${scope}/share/past`, `/nearfree${scope}/share/new`];
  const lengths = pastAndNew(g, bias);
  if (sinks === "") return g.addTo(parts, `${scope}/shares`, "Split", [softmax(scores), lengths], { attributes });
  const column = sinkColumn(g, layer);
  const all = g.add(`${scope}/scores/sunk`, "Concat", [scores, column], { attributes });
  const sunk = g.add(`${scope}/lengths`, "Concat", [lengths, g.int64s(1)], { attributes: { axis: intAttribute(0) } });
  const sink = `/nearfree${scope}/share/sink`;
  return g.addTo([...parts, sink], `${scope}/shares`, "Split", [softmax(all), sunk], { attributes });
}

/** A last column of scores: that of its head's sink for every row. */
function sinkColumn(g: GraphEdit, layer: LeanAttention): string {
  const { scope, sinks, kvHeads, bias } = layer;
  const perHead = g.add(`${scope}/sinks`, "Reshape", [sinks, g.int64s(1, kvHeads, -1, 1)]);
  const repeats = g.once(`/${bias}/sinks/repeats`, () =>
    g.add(`/${bias}/sinks/repeats`, "Concat", [g.int64s(1, 1, 1), newRows(g, bias)], {
      attributes: { axis: intAttribute(0) },
    }),
  );
  return inRows(g, `${scope}/sinks/rows`, layer, g.add(`${scope}/sinks/wide`, "Tile", [perHead, repeats]), 1);
}

/** Gives a value the two axes of rows: [batch, kvHeads, groups, 1, last] or [batch, kvHeads, 1, groups * rows, last]. */
function inRows(
  g: GraphEdit,
  name: string,
  { bias, heads, kvHeads }: LeanAttention,
  value: string,
  last: number,
): string {
  const groups = heads / kvHeads;
  const scope = `/${bias}/rows/${kvHeads}x${groups}x${last}`;
  const shape = g.once(scope, () =>
    g.add(scope, "Concat", [g.int64s(0, kvHeads), rowAxes(g, bias, groups), g.int64s(last)], {
      attributes: { axis: intAttribute(0) },
    }),
  );
  return g.add(name, "Reshape", [value, shape]);
}

/** int64 [2], once a forward. */
function rowAxes(g: GraphEdit, bias: string, groups: number): string {
  const scope = `/${bias}/axes/${groups}`;
  return g.once(scope, () => g.add(scope, "Where", [single(g, bias), g.int64s(groups, 1), g.int64s(1, -1)]));
}

/** Whether there is one new row. */
function single(g: GraphEdit, bias: string): string {
  return g.once(`/${bias}/single`, () => g.add(`/${bias}/single`, "Equal", [newRows(g, bias), g.int64s(1)]));
}

/** int64 [2]: capacity of the past and number of new rows, as the bias has them. Once a forward. */
function pastAndNew(g: GraphEdit, bias: string): string {
  const scope = `/${bias}/lengths`;
  return g.once(scope, () => {
    const columns = g.add(`${scope}/columns`, "Slice", [shapeOf(g, bias), g.int64s(3), g.int64s(4)]);
    const past = g.add(`${scope}/past`, "Sub", [columns, newRows(g, bias)]);
    return g.add(scope, "Concat", [past, newRows(g, bias)], { attributes: { axis: intAttribute(0) } });
  });
}

function newRows(g: GraphEdit, bias: string): string {
  return g.once(`/${bias}/rows`, () => g.add(`/${bias}/rows`, "Slice", [shapeOf(g, bias), g.int64s(2), g.int64s(3)]));
}

function shapeOf(g: GraphEdit, bias: string): string {
  return g.once(`/${bias}/shape`, () => g.add(`/${bias}/shape`, "Shape", [bias]));
}

/** The bias for the rows of all groups, one group after another: [batch | 1, 1, 1, rows of a product, columns]. Once a forward. */
function biasInRows(g: GraphEdit, bias: string, groups: number): string {
  const scope = `/${bias}/groups/${groups}`;
  return g.once(scope, () => {
    const repeats = g.add(`${scope}/repeats`, "Where", [
      single(g, bias),
      g.int64s(1, 1, 1, 1),
      g.int64s(1, 1, groups, 1),
    ]);
    const wide = groups === 1 ? bias : g.add(`${scope}/wide`, "Tile", [bias, repeats]);
    return g.add(scope, "Unsqueeze", [wide, g.int64s(2)]);
  });
}
