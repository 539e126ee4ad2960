import { MICROSOFT, type NodeOptions, rawBytes } from "../build/graph-builder.ts";
import type { DataType } from "../onnx/data-type.ts";
import { smallNumbers } from "../onnx/graph/constants.ts";
import type { Attribute, Dim, Graph, Model, Node, OpsetImport, Tensor, ValueInfo } from "../onnx/model.ts";

/** Prefix of the names of everything that an edit adds: no exporter writes it. */
const SCOPE = "/nearfree";

/** What a node does, for comparing: its type, with its domain where that is neither the standard's nor ONNX Runtime's own. */
export function operatorOf({ opType, domain }: Node): string {
  return domain === "" || domain === MICROSOFT ? opType : `${domain}.${opType}`;
}

/**
 * A graph while it is being changed. A node is replaced by others that make a value of the same name, so that whoever reads it, inside
 * an If as well, need not be touched. What nobody reads any more is left out of the result.
 */
export class GraphEdit {
  readonly #model: Model;
  readonly #nodes: Set<Node>;
  readonly #producers = new Map<string, Node>();
  readonly #constants = new Map<string, Tensor>();
  readonly #inputs: Map<string, ValueInfo>;
  readonly #outputs: Map<string, ValueInfo>;
  // Of all subgraphs: an edit adds none.
  readonly #captured: ReadonlySet<string>;

  constructor(model: Model) {
    this.#model = model;
    this.#nodes = new Set(model.graph.nodes);
    for (const node of model.graph.nodes) for (const output of node.outputs) this.#producers.set(output, node);
    for (const tensor of model.graph.initializers) this.#constants.set(tensor.name, tensor);
    this.#inputs = new Map(model.graph.inputs.map((value) => [value.name, value]));
    this.#outputs = new Map(model.graph.outputs.map((value) => [value.name, value]));
    const inner = model.graph.nodes.flatMap(subgraphs);
    this.#captured = new Set(inner.flatMap((graph) => [...freeNames(graph)]));
  }

  get nodes(): Iterable<Node> {
    return this.#nodes;
  }

  /** Version of the standard operators. */
  get opset(): number {
    return this.#model.opsets.find(({ domain }) => domain === "")?.version ?? 0;
  }

  get inputs(): ReadonlyMap<string, ValueInfo> {
    return this.#inputs;
  }

  isOutput(value: string): boolean {
    return this.#outputs.has(value);
  }

  producer(value: string): Node | undefined {
    return this.#producers.get(value);
  }

  constant(value: string): Tensor | undefined {
    const tensor = this.#constants.get(value);
    if (tensor !== undefined) return tensor;
    const node = this.#producers.get(value);
    const attribute = node && operatorOf(node) === "Constant" ? node.attributes.get("value") : undefined;
    return attribute?.kind === "tensor" ? attribute.value : undefined;
  }

  /** The integers of a small constant, or undefined. */
  integers(value: string): readonly number[] | undefined {
    const tensor = this.constant(value);
    return tensor?.data && smallNumbers(tensor.type, tensor.data);
  }

  /** Nodes of the outermost graph that read `value`. */
  readers(value: string): Node[] {
    return [...this.#nodes].filter((node) => node.inputs.includes(value));
  }

  remove(node: Node): void {
    this.#nodes.delete(node);
    for (const output of node.outputs) if (this.#producers.get(output) === node) this.#producers.delete(output);
  }

  addNode(node: Node): void {
    this.#nodes.add(node);
    for (const output of node.outputs) if (output !== "") this.#producers.set(output, node);
  }

  /** Adds a node under the edit's own scope; returns the name of its first output. */
  add(name: string, opType: string, inputs: readonly string[], options: NodeOptions = {}): string {
    const output = options.output ?? `${SCOPE}${name}`;
    return this.addTo([output], name, opType, inputs, options)[0]!;
  }

  /** What `make` adds under `name`, made at the first call only. */
  once(name: string, make: () => string): string {
    const known = `${SCOPE}${name}`;
    return this.#producers.has(known) ? known : make();
  }

  addTo(
    outputs: readonly string[],
    name: string,
    opType: string,
    inputs: readonly string[],
    { domain = "", attributes = {} }: NodeOptions = {},
  ): readonly string[] {
    const node = { name: `${SCOPE}${name}`, opType, domain, inputs, outputs, attributes: attributesOf(attributes) };
    this.addNode(node);
    return outputs;
  }

  /** Whoever reads `from` reads `to` instead. */
  redirect(from: string, to: string): void {
    for (const node of this.readers(from)) {
      this.#nodes.delete(node);
      this.addNode({ ...node, inputs: node.inputs.map((input) => (input === from ? to : input)) });
    }
  }

  int64s(...values: number[]): string {
    const name = `${SCOPE}/int64/[${values.join(",")}]`;
    const data = rawBytes(BigInt64Array.from(values, BigInt));
    this.#constants.set(name, { name, type: "int64", dims: [values.length], data });
    return name;
  }

  /** A constant as it is, under its own name. */
  tensor(tensor: Tensor): string {
    this.#constants.set(tensor.name, tensor);
    return tensor.name;
  }

  /** A constant of unsigned bytes. */
  bytes(name: string, dims: readonly number[], data: Uint8Array): string {
    const known = `${SCOPE}${name}`;
    this.#constants.set(known, { name: known, type: "uint8", dims, data });
    return known;
  }

  float32(value: number): string {
    const name = `${SCOPE}/float32/${value}`;
    this.#constants.set(name, { name, type: "float32", dims: [], data: rawBytes(Float32Array.of(value)) });
    return name;
  }

  input(name: string, type: DataType, shape: readonly Dim[]): string {
    this.#inputs.set(name, { name, type, shape });
    return name;
  }

  /** Gives an input or output of the graph another shape. */
  reshape(name: string, shape: readonly Dim[]): void {
    const values = this.#inputs.has(name) ? this.#inputs : this.#outputs;
    const value = values.get(name);
    if (value !== undefined) values.set(name, { ...value, shape });
  }

  /** Whether a value is read inside a subgraph: such a value must keep its name and its meaning. */
  isCaptured(value: string): boolean {
    return this.#captured.has(value);
  }

  /** The edited model: live nodes in topological order, inputs and constants that are read. */
  build(): Model {
    const order: Node[] = [];
    const visited = new Set<Node>();
    const read = new Set<string>();
    for (const name of this.#outputs.keys()) this.#visit(name, visited, read, order);
    const { graph } = this.#model;
    const edited: Graph = {
      name: graph.name,
      nodes: order,
      initializers: [...this.#constants.values()].filter(({ name }) => read.has(name)),
      inputs: [...this.#inputs.values()].filter(({ name }) => read.has(name)),
      outputs: [...this.#outputs.values()],
      valueInfos: [],
    };
    return { ...this.#model, opsets: withMicrosoft(this.#model.opsets), graph: edited };
  }

  /** Depth first, without recursion: exports have chains of thousands of nodes. */
  #visit(value: string, visited: Set<Node>, read: Set<string>, order: Node[]): void {
    const stack: { readonly node: Node; readonly needs: readonly string[]; next: number }[] = [];
    const enter = (name: string) => {
      read.add(name);
      const node = this.#producers.get(name);
      if (node === undefined || visited.has(node)) return;
      visited.add(node);
      stack.push({ node, needs: needsOf(node), next: 0 });
    };
    enter(value);
    while (stack.length > 0) {
      const top = stack.at(-1)!;
      if (top.next < top.needs.length) enter(top.needs[top.next++]!);
      else {
        order.push(top.node);
        stack.pop();
      }
    }
  }
}

function attributesOf(attributes: Readonly<Record<string, Attribute>>): ReadonlyMap<string, Attribute> {
  return new Map(Object.entries(attributes));
}

function withMicrosoft(opsets: readonly OpsetImport[]): readonly OpsetImport[] {
  return opsets.some(({ domain }) => domain === MICROSOFT) ? opsets : [...opsets, { domain: MICROSOFT, version: 1 }];
}

function needsOf(node: Node): string[] {
  return [...node.inputs, ...subgraphs(node).flatMap((graph) => [...freeNames(graph)])].filter((name) => name !== "");
}

function subgraphs({ attributes }: Node): Graph[] {
  return [...attributes.values()].flatMap((attribute) =>
    attribute.kind === "graph" ? [attribute.value] : attribute.kind === "graphs" ? attribute.value : [],
  );
}

/** Names that a subgraph takes from around it. */
function freeNames(graph: Graph): Set<string> {
  const own = new Set([...graph.inputs, ...graph.initializers].map(({ name }) => name));
  const free = new Set<string>();
  for (const node of graph.nodes) {
    for (const name of needsOf(node)) if (!own.has(name)) free.add(name);
    for (const output of node.outputs) own.add(output);
  }
  for (const { name } of graph.outputs) if (!own.has(name)) free.add(name);
  return free;
}
