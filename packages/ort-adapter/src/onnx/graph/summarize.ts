import type { GraphSummary } from "@nearfree/core/principle";
import type { Graph, Model } from "../model.ts";
import type { ModelFiles } from "../read/byte-source.ts";
import { readModel } from "../read/reader.ts";
import { classifyIo, type IoClasses } from "./classify-io.ts";
import { Values } from "./constants.ts";
import { dataFlow, type NodeRole } from "./data-flow.ts";
import { flatten } from "./flatten.ts";
import { type LogitsRows, logitsRows } from "./logits-rows.ts";
import { groupModules, routerNodes } from "./modules.ts";
import { type RowConfig, readRowTraits } from "./rows/read-row-traits.ts";
import type { RowTraits } from "./rows/row-traits.ts";
import { structureHash } from "./structure-hash.ts";

/** What a model's graph tells without running it. */
export interface ModelReport {
  readonly summary: GraphSummary;
  readonly io: IoClasses;
  /** Which positions get logits; `last` cannot be verified. Absent where the graph has no logits output. */
  readonly logitsRows?: LogitsRows | undefined;
  /** What several rows in one forward do to each other. */
  readonly traits: RowTraits;
}

/**
 * Reads and summarises a model without loading its weights. `config` is what the files beside it say of its rows.
 * @throws NearfreeError `invalid-model`, `missing-file`
 */
export function summarize(files: ModelFiles, config?: RowConfig): ModelReport {
  return summarizeModel(readModel(files), files, config);
}

/** Summarises a model that was read from `files`. @throws NearfreeError `invalid-model` for a graph that does not unfold. */
export function summarizeModel(model: Model, files: ModelFiles, config?: RowConfig): ModelReport {
  const graph = flatten(model);
  const values = new Values(graph);
  const io = classifyIo(graph.inputs, graph.outputs);
  const flow = dataFlow(graph, values, io.logits?.name ?? graph.outputs[0]?.name);
  const modules = groupModules(flow, values, io);
  const routers = routerNodes(flow, values);
  const routing = flow.flatMap(({ node, weighted }) => (weighted && routers.has(node) ? weighted.tensors : []));
  const total = (pick: (module: (typeof modules)[number]) => number) => modules.reduce((sum, m) => sum + pick(m), 0);
  const [kv] = io.kv;
  const vocabularySize = findVocabularySize(io, flow);
  const layers = findLayers(io, flow);
  return {
    summary: {
      modules,
      layers,
      vocabularySize,
      kvHeads: kv?.heads,
      headDim: kv?.headDim,
      weightBytes: total((module) => module.weightBytes),
      flopsPerPosition: total((module) => module.flopsPerPosition),
      kvBytesPerPosition: total((module) => module.kvBytesPerPosition),
      unresolved: [...graph.unresolved, ...unresolvedOf(io, flow, { layers, vocabularySize })],
      structureHash: structureHash(model, routing, files),
    },
    io,
    logitsRows: io.logits && (takesOneToken(graph) ? "every" : logitsRows(io.logits, flow, values)),
    traits: graph.whole ? readRowTraits(graph, values, config) : traitsOfEveryBranch(model, config),
  };
}

/** A row for the only token of a run is a row for every one. */
function takesOneToken({ inputs }: Pick<Graph, "inputs">): boolean {
  return inputs.find(({ name }) => name === "input_ids")?.shape?.[1] === 1;
}

function traitsOfEveryBranch(model: Model, config: RowConfig | undefined): RowTraits {
  const graph = flatten(model, "every");
  return readRowTraits(graph, new Values(graph), config);
}

function findVocabularySize(io: IoClasses, flow: readonly NodeRole[]): number | undefined {
  if (io.logits === undefined) return undefined;
  const declared = io.logits.shape?.at(-1);
  if (typeof declared === "number" && declared > 0) return declared;
  return flow.findLast(({ weighted, toLogits }) => weighted !== undefined && toLogits)?.weighted?.columns;
}

/** Layers that keep state, or else the attentions found. */
function findLayers(io: IoClasses, flow: readonly NodeRole[]): number {
  const named = new Set(io.kv.map(({ layer }) => layer));
  for (const name of io.state) {
    const index = /\d+/.exec(name)?.[0];
    if (index !== undefined) named.add(Number(index));
  }
  return named.size > 0 ? named.size : flow.reduce((most, { level }) => Math.max(most, level), 0);
}

function unresolvedOf(
  io: IoClasses,
  flow: readonly NodeRole[],
  found: { layers: number; vocabularySize: number | undefined },
): string[] {
  const unresolved: string[] = [];
  const attentions = new Set(flow.filter(({ attention }) => attention).map(({ level }) => level)).size;
  const kvLayers = new Set(io.kv.map(({ layer }) => layer)).size;
  if (found.layers === 0) unresolved.push("layers: no attention and no KV cache found");
  if (found.vocabularySize === undefined) unresolved.push("vocabulary size: no logits of a fixed width");
  if (kvLayers > 0 && attentions !== kvLayers)
    unresolved.push(`KV bytes: ${kvLayers} caches, ${attentions} attentions`);
  if (io.kv.some(({ heads, headDim, type }) => !heads || !headDim || !type)) {
    unresolved.push("KV bytes: a cache whose heads, head size or type is not fixed");
  }
  if (flow.some(({ weighted }) => weighted?.kernel.activation === "unknown")) {
    unresolved.push("activation type of some weights");
  }
  return unresolved;
}
