import { GraphBuilder, intAttribute } from "../build/graph-builder.ts";
import { GraphEdit } from "../rewrite/graph-edit.ts";

/** Inputs of a graph of one layer's keys: what a test builds on. */
export interface CacheParts {
  readonly g: GraphBuilder;
  /** [batch, 2, past, 4] and [batch, 2, rows, 4]. */
  readonly past: string;
  readonly rows: string;
  /** Joins the two along `axis` under `output`. */
  concat(output: string, inputs?: readonly string[], axis?: number): string;
}

/** The graph that `build` makes, being edited: one past, one present, an output `y` where something else comes of them. */
export function cacheGraph(build: (parts: CacheParts) => void): GraphEdit {
  const g = new GraphBuilder();
  const past = g.input("past", "float32", ["batch", 2, "past_length", 4]);
  const rows = g.input("rows", "float32", ["batch", 2, "sequence_length", 4]);
  g.output("present", "float32", ["batch", 2, "total_length", 4]);
  const concat = (output: string, inputs: readonly string[] = [past, rows], axis = 2) =>
    g.add(`/${output}`, "Concat", inputs, { output, attributes: { axis: intAttribute(axis) } });
  build({ g, past, rows, concat });
  return new GraphEdit(g.build("cache"));
}
