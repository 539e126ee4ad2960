import type { Node, ValueInfo } from "../model.ts";
import type { Values } from "./constants.ts";
import type { FlatGraph } from "./flatten.ts";
import { type WeightedNode, weightedNode } from "./weights.ts";

/** Operators that hold a whole attention over the KV cache. */
const FUSED_ATTENTION = new Set([
  "GroupQueryAttention",
  "MultiHeadAttention",
  "Attention",
  "DecoderMaskedMultiHeadAttention",
  "DecoderMaskedSelfAttention",
  "PagedAttention",
  "SparseAttention",
]);

/** Where a node stands between the weights and the attentions of a decoder. */
export interface NodeRole {
  readonly node: Node;
  readonly weighted: WeightedNode | undefined;
  /** Holds an attention, or one of the two products of a decomposed one. */
  readonly attention: boolean;
  /** Attentions that lie before the node on the longest path: its layer. */
  readonly level: number;
  /** Next on its way, past nodes without weights: an attention, weights, the logits. */
  readonly toAttention: boolean;
  readonly toWeights: boolean;
  readonly toLogits: boolean;
  /** Lowest and highest layer of the attentions that come next; a mask that all layers share has two. */
  readonly firstAttention: number;
  readonly lastAttention: number;
  /** Whether an attention is what came last. */
  readonly fromAttention: boolean;
  /** Whether it depends on what weights gave, or on the cache: lengths, masks and positions do not. */
  readonly fromActivations: boolean;
}

/**
 * Finds what every node is for from the data flow alone, so that graphs without names (or with other people's) read the same.
 * Nodes that run once, on constants, are left out.
 * @param logits name of the logits output, where the graph has one.
 */
export function dataFlow(graph: FlatGraph, values: Values, logits: string | undefined): NodeRole[] {
  const nodes = graph.nodes.filter((node) => !values.isFolded(node));
  const weighted = new Map<Node, WeightedNode>();
  for (const node of nodes) {
    const found = weightedNode(node, values);
    if (found !== undefined) weighted.set(node, found);
  }
  const attentions = findAttentions(nodes, weighted);
  const forward = walkForward(graph, nodes, weighted, attentions);
  return walkBackward(nodes, weighted, attentions, forward, logits);
}

/** `ends` are the nodes that complete an attention: there the next layer begins. */
interface Attentions {
  readonly all: ReadonlySet<Node>;
  readonly ends: ReadonlySet<Node>;
}

/** Fused ones by name; decomposed ones as a product of activations, Softmax, and another product. */
function findAttentions(nodes: readonly Node[], weighted: ReadonlyMap<Node, WeightedNode>): Attentions {
  const fused = nodes.filter(({ opType }) => FUSED_ATTENTION.has(opType));
  const isProduct = (node: Node) => /MatMul$|^Einsum$/.test(node.opType) && !weighted.has(node);
  const stops = (node: Node) => isProduct(node) || weighted.has(node) || carriers(node).length === 0;
  const afterProduct = marks(nodes, isProduct, stops);
  const softmaxes = new Set(nodes.filter((node) => /Softmax$/.test(node.opType) && reads(node, afterProduct)));
  const afterSoftmax = marks(nodes, (node) => softmaxes.has(node), stops);
  const ends = nodes.filter((node) => isProduct(node) && reads(node, afterSoftmax));
  const reversed = nodes.toReversed();
  const beforeSoftmax = marksBackward(reversed, (node) => softmaxes.has(node), stops);
  const starts = ends.length === 0 ? [] : nodes.filter((node) => isProduct(node) && writes(node, beforeSoftmax));
  return { all: new Set([...fused, ...starts, ...ends]), ends: new Set([...fused, ...ends]) };
}

/** Values reached from nodes that `begins` names, through nodes that do not stop the walk. */
function marks(nodes: readonly Node[], begins: (n: Node) => boolean, stops: (n: Node) => boolean): Set<string> {
  const marked = new Set<string>();
  for (const node of nodes) {
    if (begins(node) || (!stops(node) && reads(node, marked))) for (const output of node.outputs) marked.add(output);
  }
  marked.delete("");
  return marked;
}

function marksBackward(
  reversed: readonly Node[],
  begins: (n: Node) => boolean,
  stops: (n: Node) => boolean,
): Set<string> {
  const marked = new Set<string>();
  for (const node of reversed) {
    if (begins(node) || (!stops(node) && writes(node, marked))) for (const input of node.inputs) marked.add(input);
  }
  marked.delete("");
  return marked;
}

function reads(node: Node, marked: ReadonlySet<string>): boolean {
  // An input left out is no value that others could share.
  return node.inputs.some((input) => input !== "" && marked.has(input));
}

function writes(node: Node, marked: ReadonlySet<string>): boolean {
  return node.outputs.some((output) => marked.has(output));
}

/**
 * Outputs that carry a node's data on. Shapes and the scales of dynamic quantisation go round the weights that the data goes
 * through, to the reshapes and rescalings behind them: followed, they would make every product look like its neighbours.
 */
function carriers({ opType, outputs }: Node): readonly string[] {
  if (opType === "Shape" || opType === "Size") return [];
  return opType === "DynamicQuantizeLinear" ? outputs.slice(0, 1) : outputs;
}

interface Before {
  level: number;
  fromAttention: boolean;
  fromActivations: boolean;
}

function walkForward(
  graph: FlatGraph,
  nodes: readonly Node[],
  weighted: ReadonlyMap<Node, WeightedNode>,
  attentions: Attentions,
): Map<Node, Before> {
  const levels = new Map<string, number>();
  const fromAttention = new Set<string>();
  const fromActivations = new Set(graph.inputs.filter(isFloating).map(({ name }) => name));
  const found = new Map<Node, Before>();
  for (const node of nodes) {
    const level = node.inputs.reduce((most, input) => Math.max(most, levels.get(input) ?? 0), 0);
    const before: Before = {
      level,
      fromAttention: reads(node, fromAttention),
      fromActivations: reads(node, fromActivations),
    };
    found.set(node, before);
    const ends = attentions.ends.has(node);
    for (const output of node.outputs) levels.set(output, level + (ends ? 1 : 0));
    if (attentions.all.has(node) || (before.fromAttention && !weighted.has(node))) {
      for (const output of carriers(node)) fromAttention.add(output);
    }
    if (before.fromActivations || weighted.has(node) || attentions.all.has(node)) {
      for (const output of node.outputs) fromActivations.add(output);
    }
  }
  return found;
}

function isFloating({ type }: ValueInfo): boolean {
  return type !== undefined && /float/.test(type);
}

/** What comes next after a value. */
interface After {
  toAttention: boolean;
  toWeights: boolean;
  toLogits: boolean;
  firstAttention: number;
  lastAttention: number;
}

const nothing = (): After => ({
  toAttention: false,
  toWeights: false,
  toLogits: false,
  firstAttention: Number.POSITIVE_INFINITY,
  lastAttention: -1,
});

function walkBackward(
  nodes: readonly Node[],
  weighted: ReadonlyMap<Node, WeightedNode>,
  attentions: Attentions,
  forward: ReadonlyMap<Node, Before>,
  logits: string | undefined,
): NodeRole[] {
  const afterValue = new Map<string, After>();
  if (logits !== undefined) afterValue.set(logits, { ...nothing(), toLogits: true });
  const roles: NodeRole[] = [];
  for (const node of nodes.toReversed()) {
    const after = nothing();
    for (const output of node.outputs) merge(after, afterValue.get(output));
    const carried = nothing();
    for (const output of carriers(node)) merge(carried, afterValue.get(output));
    const before = forward.get(node)!;
    const attention = attentions.all.has(node);
    roles.push({ node, weighted: weighted.get(node), attention, ...before, ...after });
    const seen = attention
      ? attentionAt(before.level)
      : weighted.has(node)
        ? { ...nothing(), toWeights: true }
        : carried;
    for (const input of node.inputs) {
      if (input === "") continue;
      const known = afterValue.get(input);
      if (known === undefined) afterValue.set(input, { ...seen });
      else merge(known, seen);
    }
  }
  return roles.reverse();
}

function attentionAt(level: number): After {
  return { ...nothing(), toAttention: true, firstAttention: level, lastAttention: level };
}

function merge(into: After, from: After | undefined): void {
  if (from === undefined) return;
  into.toAttention ||= from.toAttention;
  into.toWeights ||= from.toWeights;
  into.toLogits ||= from.toLogits;
  into.firstAttention = Math.min(into.firstAttention, from.firstAttention);
  into.lastAttention = Math.max(into.lastAttention, from.lastAttention);
}
