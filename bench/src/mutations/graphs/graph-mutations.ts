import { changeIo, readCache, redirectCache } from "./cache-mutations.ts";
import type { GraphDraft } from "./graph-draft.ts";
import { capture, insert, unknown } from "./insertions.ts";
import { drop, duplicate, rename, reorder, rewire } from "./node-mutations.ts";
import { changeAttribute, changeConstant } from "./value-mutations.ts";

/** Changes of a decoder's graph, by what they change. Many leave a graph that ONNX Runtime loads. */
export const GRAPH_MUTATIONS = {
  rename,
  drop,
  duplicate,
  reorder,
  rewire,
  attribute: changeAttribute,
  constant: changeConstant,
  cache: redirectCache,
  "cache-reader": readCache,
  io: changeIo,
  insert,
  unknown,
  capture,
} satisfies Readonly<Record<string, (g: GraphDraft) => void>>;

export type GraphMutation = keyof typeof GRAPH_MUTATIONS;
