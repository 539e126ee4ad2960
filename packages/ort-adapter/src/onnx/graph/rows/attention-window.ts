import { intAttribute } from "../attributes.ts";
import type { FlatGraph } from "../flatten.ts";

/** Positions that the narrowest attention window of the graph keeps; undefined where no operator names one. */
export function attentionWindow(graph: FlatGraph): number | undefined {
  const windows = graph.nodes
    .map((node) => intAttribute(node, "local_window_size"))
    .filter((size) => size !== undefined && size > 0) as number[];
  return windows.length === 0 ? undefined : Math.min(...windows);
}
