import type { Node } from "../onnx/model.ts";
import type { GraphEdit } from "./graph-edit.ts";
import { pastLength } from "./lean-inputs.ts";

/** Beyond the end of any axis. */
const END = 2 ** 31 - 1;

/** Everything that reads the past gets its live positions alone, without the room behind them. */
export function readLivePast(g: GraphEdit, scope: string, past: string): void {
  g.redirect(past, `/nearfree${scope}/live`);
  g.add(`${scope}/live`, "Slice", [past, g.int64s(0), pastLength(g), g.int64s(2)]);
}

/** The output `present` of a fused node becomes its rows behind the past. */
export function returnRowsOf(g: GraphEdit, scope: string, node: Node, present: string): void {
  const whole = `/nearfree${scope}/whole`;
  g.remove(node);
  g.addNode({ ...node, outputs: node.outputs.map((output) => (output === present ? whole : output)) });
  g.redirect(present, whole);
  g.add(`${scope}/new`, "Slice", [whole, pastLength(g), g.int64s(END), g.int64s(2)], { output: present });
}
