import type { KernelClass, ModuleKind, ModuleSummary } from "@nearfree/core";
import { canonicalJson } from "@nearfree/core";
import { intAttribute } from "./attributes.ts";
import type { IoClasses, KvPair } from "./classify-io.ts";
import type { Values } from "./constants.ts";
import type { NodeRole } from "./data-flow.ts";
import { bytesOf } from "./data-type.ts";
import type { Node, Tensor } from "./model.ts";
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
  const kvBytes = kvBytesByLayer(io.kv);
  const kvCounted = new Set<number>();
  const isDecoder = flow.some(({ attention }) => attention);
  const routers = routerNodes(flow, values);
  const widths = new RowWidths(flow, values);
  // What lies between the products of a decomposed attention is part of it, not of the nodes around it.
  const decomposed = flow.some(({ node, attention }) => attention && isProduct(node));
  for (const role of flow) {
    const placed = place(role, values, isDecoder, routers);
    const module = open(modules, placed);
    module.nodes += 1;
    for (const tensor of role.weighted?.tensors ?? []) module.weightBytes += countOnce(counted, tensor);
    if (role.weighted === undefined) module.weightBytes += looseBytes(role.node, values, counted);
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

/** Where a node belongs. Names give the scope; the data flow gives the kind, and the scope where names are missing. */
function place(role: NodeRole, values: Values, isDecoder: boolean, routers: ReadonlySet<Node>): Placed {
  const { node, weighted, level } = role;
  if (role.attention || isInsideAttention(role)) {
    const name = `layers.${role.attention ? level : role.toAttention ? role.firstAttention : level - 1}/attn`;
    return { name: layerScope(node) ?? name, kind: "attention", kernel: attentionKernel(role, values) };
  }
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
function isInsideAttention({ weighted, toAttention, firstAttention, lastAttention, fromAttention }: NodeRole): boolean {
  return weighted === undefined && ((toAttention && firstAttention === lastAttention) || fromAttention);
}

function layerScope(node: Node): string | undefined {
  const scope = scopeOf(node.name);
  return scope !== undefined && /attn|attention/i.test(scope) ? scope : undefined;
}

function attentionKernel({ node, attention }: NodeRole, values: Values): KernelClass {
  const fused = attention && !isProduct(node);
  const activation = values.type(node.inputs[0] ?? "") ?? "unknown";
  return { operator: fused ? node.opType : "MatMul", activation: fused ? activation : floating(activation) };
}

/** One of the two products of a decomposed attention, where it is one at all. */
function isProduct({ opType }: Node): boolean {
  return /MatMul$|^Einsum$/.test(opType);
}

/** Shapes and masks inside a decomposed attention are integers; the attention is not. */
function floating(type: string): string {
  return type === "float16" || type === "bfloat16" ? type : "float32";
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

function countOnce(counted: Set<Tensor>, tensor: Tensor): number {
  if (counted.has(tensor)) return 0;
  counted.add(tensor);
  return storedBytes(tensor);
}

/** Stored bytes that a node without a weight matrix reads for one position: a row of a table, or a norm's scale. */
function looseBytes(node: Node, values: Values, counted: Set<Tensor>): number {
  const first = values.weight(node.inputs[0]);
  if (node.opType.startsWith("Gather")) {
    if (first === undefined) return 0;
    const axis = intAttribute(node, "axis") ?? 0;
    const rows = first.tensor.dims.at(axis) ?? 1;
    return rows === 0 ? 0 : Math.ceil(storedBytes(first.tensor) / rows);
  }
  let bytes = 0;
  for (const input of node.inputs) {
    const tensor = values.constant(input);
    // Tables of two and more axes are read in part (rotary caches, masks); integers are axes and shapes, no weights.
    const isWeight = tensor !== undefined && tensor.dims.length <= 1 && !/^int(32|64)$/.test(tensor.type);
    if (isWeight) bytes += countOnce(counted, tensor);
  }
  return bytes;
}

/** kvBytes[i]: bytes of KV cache per position of the i-th layer that has one. */
function kvBytesByLayer(kv: readonly KvPair[]): number[] {
  const layers = new Map<number, number>();
  for (const { layer, type, heads, headDim } of kv) {
    const bytes = type && heads && headDim ? bytesOf(type, heads * headDim) : 0;
    layers.set(layer, (layers.get(layer) ?? 0) + bytes);
  }
  return [...layers].sort(([a], [b]) => a - b).map(([, bytes]) => bytes);
}
