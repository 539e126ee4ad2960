import type { GraphBuilder } from "../build/graph-builder.ts";

/** Makes the first row of `value` [1, n, width] the graph's output `y`: what comes back to JavaScript then costs the same for every n. */
export function addFirstRow(g: GraphBuilder, value: string, width: number): void {
  const first = g.add("/end/Reshape", "Reshape", [value, g.int64s(1, -1, width)]);
  const row = g.add("/end/Slice", "Slice", [first, g.int64s(0), g.int64s(1), g.int64s(1)], { output: "y" });
  g.output(row, "float32", [1, 1, width]);
}
