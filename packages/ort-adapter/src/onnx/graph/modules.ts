import { canonicalJson } from "@nearfree/core/measure";
import type { KernelClass, ModuleKind, ModuleSummary } from "@nearfree/core/principle";
import { bytesOf } from "../data-type.ts";
import type { Node, Tensor } from "../model.ts";
import { intAttribute } from "./attributes.ts";
import type { IoClasses, KvPair } from "./classify-io.ts";
import type { Values } from "./constants.ts";
import type { NodeRole } from "./data-flow.ts";
import { scopeOf } from "./module-names.ts";
import { isLoose, RowWidths } from "./row-widths.ts";
import { storedBytes } from "./weights.ts";

interface Placed {
  readonly name: string;
  readonly kind: ModuleKind;
  readonly kernel: KernelClass;
}

type OpenModule = { -readonly [K in keyof ModuleSummary]: ModuleSummary[K] };

/**
 * Groups the nodes that run in a forward into modules: same scope, same kind, same kernel class.
 * Every stored tensor counts once, where it is first read whole; of a table that rows are gathered from, one row counts.
 */
export function groupModules(flow: readonly NodeRole[], values: Values, io: IoClasses): ModuleSummary[] {
  const modules = new Map<string, OpenModule>();
  const counted = new Set<Tensor>();
  const ofProducts = new Set(flow.flatMap(({ weighted }) => weighted?.tensors ?? []));
  const kvBytes = kvBytesByLayer(io.kv);
  const kvCounted = new Set<number>();
  const isDecoder = flow.some(({ attention }) => attention);
  const routers = routerNodes(flow, values);
  const attentions = attentionKernels(flow, values);
  const widths = new RowWidths(flow, values);
  // What lies between the products of a decomposed attention is part of it, not of the nodes around it.
  const decomposed = flow.some(({ node, attention }) => attention && isProduct(node));
  for (const role of flow) {
    const placed = attentionPlace(role, attentions) ?? place(role, values, isDecoder, routers);
    const module = open(modules, placed);
    module.nodes += 1;
    for (const tensor of role.weighted?.tensors ?? []) module.weightBytes += countOnce(counted, tensor);
    for (const tensor of looseTensors(role, values)) {
      if (!ofProducts.has(tensor)) module.weightBytes += countOnce(counted, tensor);
    }
    module.weightBytes += gatheredBytes(role, values);
    module.flopsPerPosition += role.weighted?.flopsPerPosition ?? 0;
    if (role.weighted?.experts !== undefined) module.experts = role.weighted.experts;
    if (role.attention && !kvCounted.has(role.level)) {
      kvCounted.add(role.level);
      module.kvBytesPerPosition += kvBytes[role.level] ?? 0;
      // Scores and their use: a multiplication and an addition each, for every channel of every head.
      module.flopsPerContextPosition += 4 * widths.queries(role.level);
    }
    const apart = role.weighted === undefined && !role.attention && !(decomposed && placed.kind === "attention");
    if (apart && isLoose(role.node, values)) {
      module.looseNodes += 1;
      module.elementsPerPosition += widths.of(role.node.outputs.find((output) => output !== ""));
    }
  }
  return [...modules.values()];
}

function open(modules: Map<string, OpenModule>, placed: Placed): OpenModule {
  const key = canonicalJson(placed);
  let module = modules.get(key);
  if (module === undefined) {
    module = {
      ...placed,
      nodes: 0,
      weightBytes: 0,
      flopsPerPosition: 0,
      kvBytesPerPosition: 0,
      flopsPerContextPosition: 0,
      looseNodes: 0,
      elementsPerPosition: 0,
    };
    modules.set(key, module);
  }
  return module;
}

/** The attention that a node is, or belongs to: one kernel class a layer. */
function attentionPlace(role: NodeRole, kernels: ReadonlyMap<number, KernelClass>): Placed | undefined {
  if (!role.attention && !isInsideAttention(role)) return undefined;
  const layer = role.attention ? role.level : role.toAttention ? role.firstAttention : role.level - 1;
  const kernel = kernels.get(layer);
  return kernel && { name: layerScope(role.node) ?? `layers.${layer}/attn`, kind: "attention", kernel };
}

/** Where any other node belongs. Names give the scope; the data flow gives the kind, and the scope where names are missing. */
function place(role: NodeRole, values: Values, isDecoder: boolean, routers: ReadonlySet<Node>): Placed {
  const { node, weighted, level } = role;
  if (weighted === undefined) {
    const kernel = { operator: node.opType, activation: values.type(node.inputs[0] ?? "") ?? "unknown" };
    return { name: node.opType, kind: "other", kernel };
  }
  const { kernel } = weighted;
  if (weighted.experts !== undefined || routers.has(node)) {
    return { name: scopeOf(node.name) ?? `layers.${Math.max(0, level - 1)}/moe`, kind: "moe-ffn", kernel };
  }
  if (isDecoder && role.toLogits && !role.toWeights && !role.toAttention) {
    return { name: scopeOf(node.name) ?? "head", kind: "head", kernel };
  }
  const name = role.toAttention
    ? `layers.${role.firstAttention}/attn`
    : role.fromAttention
      ? `layers.${level - 1}/attn`
      : level > 0 || !isDecoder
        ? `layers.${Math.max(0, level - 1)}/mlp`
        : undefined;
  return { name: scopeOf(node.name) ?? name ?? "input", kind: name === undefined ? "other" : "dense-ffn", kernel };
}

/** Rotary, reshapes, softmax, concatenation with the past: between one layer's projections. */
function isInsideAttention(role: NodeRole): boolean {
  const { weighted, toAttention, firstAttention, lastAttention, fromAttention, fromActivations } = role;
  if (weighted !== undefined) return false;
  return (toAttention && firstAttention === lastAttention && fromActivations) || fromAttention;
}

function layerScope(node: Node): string | undefined {
  const scope = scopeOf(node.name);
  return scope !== undefined && /attn|attention/i.test(scope) ? scope : undefined;
}

/** kernels.get(i): class of the i-th attention. The two products of a decomposed one are the same. */
function attentionKernels(flow: readonly NodeRole[], values: Values): Map<number, KernelClass> {
  const kernels = new Map<number, KernelClass>();
  for (const { node, attention, level } of flow) {
    if (!attention || kernels.has(level)) continue;
    const operator = isProduct(node) ? "MatMul" : node.opType;
    kernels.set(level, { operator, activation: values.type(node.inputs[0] ?? "") ?? "unknown" });
  }
  return kernels;
}

/** One of the two products of a decomposed attention, where it is one at all. */
function isProduct({ opType }: Node): boolean {
  return /MatMul$|^Einsum$/.test(opType);
}

/** The weights that decide which experts a position goes to. */
export function routerNodes(flow: readonly NodeRole[], values: Values): Set<Node> {
  const roles = new Map(flow.map((role) => [role.node, role]));
  const routers = new Set<Node>();
  const seen = new Set<string>();
  const pending = flow.flatMap(({ node, weighted }) => (weighted?.experts ? [node.inputs[1] ?? ""] : []));
  for (let value = pending.pop(); value !== undefined; value = pending.pop()) {
    const node = values.producer(value);
    if (node === undefined || seen.has(value)) continue;
    seen.add(value);
    if (roles.get(node)?.weighted !== undefined) routers.add(node);
    else pending.push(...node.inputs);
  }
  return routers;
}

/** A scalar is an argument of its operator, no weight. */
function countOnce(counted: Set<Tensor>, tensor: Tensor): number {
  if (counted.has(tensor) || tensor.dims.length === 0) return 0;
  counted.add(tensor);
  return storedBytes(tensor);
}

/** The row that a position takes from a table. */
function gatheredBytes({ node, weighted }: NodeRole, values: Values): number {
  const table = isGather(node) && weighted === undefined ? values.weight(node.inputs[0])?.tensor : undefined;
  if (table === undefined) return 0;
  const rows = table.dims.at(intAttribute(node, "axis") ?? 0) ?? 1;
  return rows === 0 ? 0 : Math.ceil(storedBytes(table) / rows);
}

/** What a node without a weight matrix reads whole: a norm's scale, a bias. */
function looseTensors({ node, weighted }: NodeRole, values: Values): Tensor[] {
  if (weighted !== undefined || isGather(node)) return [];
  return node.inputs.flatMap((input) => {
    const tensor = values.constant(input);
    // Tables of two and more axes are read in part (rotary caches, masks); integers are axes and shapes, no weights.
    return tensor !== undefined && tensor.dims.length <= 1 && !/^int(32|64)$/.test(tensor.type) ? [tensor] : [];
  });
}

const isGather = ({ opType }: Node) => opType.startsWith("Gather");

/** kvBytes[i]: bytes of KV cache per position of the i-th layer that has one. */
function kvBytesByLayer(kv: readonly KvPair[]): number[] {
  const layers = new Map<number, number>();
  for (const { layer, type, heads, headDim } of kv) {
    const bytes = type && heads && headDim ? bytesOf(type, heads * headDim) : 0;
    layers.set(layer, (layers.get(layer) ?? 0) + bytes);
  }
  return [...layers].sort(([a], [b]) => a - b).map(([, bytes]) => bytes);
}
