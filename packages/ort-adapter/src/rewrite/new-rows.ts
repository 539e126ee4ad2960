import type { Node } from "../onnx/model.ts";
import type { GraphEdit } from "./graph-edit.ts";
import { pastLength } from "./lean-inputs.ts";

/** Beyond the end of any axis. */
const END = 2 ** 31 - 1;

/** Everything that reads the past gets its live positions alone, without the room behind them. */
export function readLivePast(g: GraphEdit, scope: string, past: string): void {
  const readers = g.readers(past);
  const live = g.add(`${scope}/live`, "Slice", [past, g.int64s(0), pastLength(g), g.int64s(2)]);
  for (const reader of readers) g.reconnect(reader, replaced(reader, past, live));
}

/** The output `present` of a fused node becomes its rows behind the past. */
export function returnRowsOf(g: GraphEdit, scope: string, node: Node, present: string): Node {
  const whole = `/nearfree${scope}/whole`;
  g.remove(node);
  const renamed = { ...node, outputs: node.outputs.map((output) => (output === present ? whole : output)) };
  g.addNode(renamed);
  for (const reader of g.readers(present)) g.reconnect(reader, replaced(reader, present, whole));
  g.add(`${scope}/new`, "Slice", [whole, pastLength(g), g.int64s(END), g.int64s(2)], { output: present });
  return renamed;
}

export function replaced({ inputs }: Node, from: string, to: string): string[] {
  return inputs.map((input) => (input === from ? to : input));
}
