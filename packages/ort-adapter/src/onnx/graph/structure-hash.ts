import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { invalidModel } from "../invalid-model.ts";
import type { Attribute, Graph, Model, Node, Tensor, ValueInfo } from "../model.ts";
import type { ModelFiles } from "../read/byte-source.ts";
import { storedBytes } from "./weights.ts";

/** Version of what the hash covers: raise it when that changes, so that old profiles are not found by chance. */
const HASH_VERSION = 1;
/** Routing weights up to this many bytes in all are hashed whole; of larger ones an even sample is. */
const MAX_ROUTING_BYTES = 16 * 1024 * 1024;
/** Constants that one operator may read, the data of those, and of all over all operators: far above any real graph. */
const MAX_CONSTANTS = 20_000;
const MAX_NODE_CONSTANT_BYTES = 1024 * 1024;
const MAX_CONSTANT_BYTES = 32 * 1024 * 1024;
const SAMPLE_BYTES = 4096;
const SAMPLES = 64;

/**
 * sha256, in hex, of what decides which kernels run on which shapes: operators, attributes, wiring, shapes, types and
 * quantisation, the values of small integer constants (axes, shapes), and the routing weights of a mixture of experts.
 * Not of names, weights, documentation, inferred shapes or the producer.
 */
export function structureHash(model: Model, routing: readonly Tensor[], files: ModelFiles): string {
  const hash = sha256.create();
  const add = (part: unknown) => {
    hash.update(utf8ToBytes(`${JSON.stringify(part)}\n`));
  };
  add(["nearfree-structure", HASH_VERSION]);
  add(model.opsets.map(({ domain, version }) => [domain, version]).sort());
  for (const { domain, name, inputs, outputs, nodes } of model.functions) {
    const values = new Numbering();
    add(["function", domain, name, inputs.map((input) => values.of(input))]);
    for (const node of nodes) add(describeNode(node, values, new Map()));
    add(outputs.map((output) => values.of(output)));
  }
  describeGraph(model.graph, new Numbering(), new Map(), add);
  for (const tensor of routing) addRouting(hash, tensor, files, sampled(routing));
  return bytesToHex(hash.digest());
}

/** Numbers things by their first appearance, so that their names do not matter. */
class Numbering {
  readonly #numbers = new Map<string, number>();
  #constantBytes = 0;

  /** 0 for an input left out. */
  of(name: string): number {
    if (name === "") return 0;
    let number = this.#numbers.get(name);
    if (number === undefined) {
      number = this.#numbers.size + 1;
      this.#numbers.set(name, number);
    }
    return number;
  }

  /** @throws NearfreeError `invalid-model` once constants are read so often that describing each time would fill memory. */
  countConstants(constants: readonly Tensor[]): void {
    const bytes = constants.reduce((sum, { data }) => sum + (data?.length ?? 0), 0);
    this.#constantBytes += bytes;
    const fits = constants.length <= MAX_CONSTANTS && bytes <= MAX_NODE_CONSTANT_BYTES;
    if (fits && this.#constantBytes <= MAX_CONSTANT_BYTES) return;
    throw invalidModel("graph", {
      expected: `operators that read at most ${MAX_CONSTANTS} constants, ${MAX_NODE_CONSTANT_BYTES} bytes of them`,
      received: "more",
    });
  }
}

/** Each initializer with its description, made once however many operators read it. */
type Initializers = ReadonlyMap<string, { readonly tensor: Tensor; readonly description: unknown }>;

function describeGraph(graph: Graph, values: Numbering, outer: Initializers, add: (part: unknown) => void): void {
  const own = graph.initializers.map(
    (tensor) => [tensor.name, { tensor, description: describeTensor(tensor) }] as const,
  );
  const initializers = new Map([...outer, ...own]);
  const sizes = new Numbering();
  const io = ({ name, type, shape }: ValueInfo) => [
    values.of(name),
    type ?? null,
    shape?.map((dim) => (typeof dim === "string" ? `#${sizes.of(dim)}` : (dim ?? null))) ?? null,
  ];
  add(["inputs", graph.inputs.filter(({ name }) => !initializers.has(name)).map(io)]);
  for (const node of graph.nodes) add(describeNode(node, values, initializers));
  add(["outputs", graph.outputs.map(io)]);
}

function describeNode(node: Node, values: Numbering, initializers: Initializers): unknown {
  values.countConstants(node.inputs.flatMap((name) => initializers.get(name)?.tensor ?? []));
  const inputs = node.inputs.map((name) => {
    const initializer = initializers.get(name);
    return initializer === undefined ? values.of(name) : [values.of(name), initializer.description];
  });
  const attributes = [...node.attributes]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, attribute]) => [name, attribute.kind, describeAttribute(attribute, values, initializers)]);
  return [node.domain, node.opType, inputs, node.outputs.map((name) => values.of(name)), attributes];
}

function describeAttribute(attribute: Attribute, values: Numbering, initializers: Initializers): unknown {
  const graph = (body: Graph) => {
    const parts: unknown[] = [];
    describeGraph(body, values, initializers, (part) => parts.push(part));
    return parts;
  };
  switch (attribute.kind) {
    case "tensor":
      return describeTensor(attribute.value);
    case "tensors":
      return attribute.value.map(describeTensor);
    case "graph":
      return graph(attribute.value);
    case "graphs":
      return attribute.value.map(graph);
    default:
      return attribute.value;
  }
}

function describeTensor({ type, dims, data }: Tensor): unknown {
  // Axes and shapes are int64 or int32; small tensors of other types are weights.
  const steers = (type === "int64" || type === "int32") && data !== undefined;
  return steers ? [type, dims, bytesToHex(data)] : [type, dims];
}

function sampled(routing: readonly Tensor[]): boolean {
  return routing.reduce((sum, tensor) => sum + storedBytes(tensor), 0) > MAX_ROUTING_BYTES;
}

function addRouting(
  hash: { update(bytes: Uint8Array): unknown },
  tensor: Tensor,
  files: ModelFiles,
  sample: boolean,
): void {
  if (tensor.data !== undefined || tensor.stored === undefined) {
    if (tensor.data !== undefined) hash.update(tensor.data);
    return;
  }
  const { location, offset, length } = tensor.stored;
  const source = location === undefined ? files.model : files.external?.(location);
  // Without the data at hand the structure alone must do.
  if (source === undefined) return;
  const chunk = sample ? SAMPLE_BYTES : 1024 * 1024;
  const step = sample ? Math.max(chunk, Math.ceil(length / SAMPLES)) : chunk;
  for (let at = 0; at < length; at += step) hash.update(source.read(offset + at, Math.min(chunk, length - at)));
}
