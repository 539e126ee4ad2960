import type { Node } from "../model.ts";

/** An integer attribute, or undefined where the node has none of this name. */
export function intAttribute(node: Node, name: string): number | undefined {
  const attribute = node.attributes.get(name);
  return attribute?.kind === "int" ? attribute.value : undefined;
}
