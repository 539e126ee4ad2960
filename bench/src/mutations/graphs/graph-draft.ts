import type { Random } from "@nearfree/calibrate";
import type { Attribute, Graph, Model, Node, OpsetImport, Tensor, ValueInfo } from "@nearfree/ort-adapter/onnx";

export const int = (value: number): Attribute => ({ kind: "int", value });
export const intList = (...value: number[]): Attribute => ({ kind: "ints", value });
/** TensorProto.FLOAT, as Cast wants it. */
export const FLOAT = int(1);

/** Nodes this near a cache are those that an attention is found by. */
const NEAR_STEPS = 7;
/** How often a mutation takes a node near the cache rather than any. */
const NEAR_SHARE = 0.75;

/** A graph that a mutation may change at will. */
export class GraphDraft {
  nodes: Node[];
  initializers: Tensor[];
  inputs: ValueInfo[];
  outputs: ValueInfo[];
  opsets: OpsetImport[];
  readonly #model: Model;
  readonly #random: Random;
  readonly #near: ReadonlySet<string>;
  #added = 0;

  constructor(model: Model, random: Random) {
    this.#model = model;
    this.#random = random;
    this.nodes = [...model.graph.nodes];
    this.initializers = [...model.graph.initializers];
    this.inputs = [...model.graph.inputs];
    this.outputs = [...model.graph.outputs];
    this.opsets = [...model.opsets];
    this.#near = this.#valuesNearCache();
  }

  build(): Model {
    const { nodes, initializers, inputs, outputs } = this;
    const graph: Graph = { ...this.#model.graph, nodes, initializers, inputs, outputs, valueInfos: [] };
    return { ...this.#model, opsets: this.opsets, graph };
  }

  below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  chance(share: number): boolean {
    return this.#random() < share;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  /** A node that `fits`, more often one near the cache; undefined where none does. */
  node(fits: (node: Node) => boolean = () => true): Node | undefined {
    const all = this.nodes.filter(fits);
    const near = all.filter((node) => this.isNear(node));
    return this.pick(near.length > 0 && this.chance(NEAR_SHARE) ? near : all);
  }

  isNear({ inputs, outputs }: Node): boolean {
    return [...inputs, ...outputs].some((name) => this.#near.has(name));
  }

  get pasts(): string[] {
    return this.inputs.map(({ name }) => name).filter((name) => /^past/.test(name));
  }

  get presents(): string[] {
    return this.outputs.map(({ name }) => name).filter((name) => /^present/.test(name));
  }

  readers(value: string): Node[] {
    return this.nodes.filter(({ inputs }) => inputs.includes(value));
  }

  producer(value: string): Node | undefined {
    return this.nodes.find(({ outputs }) => outputs.includes(value));
  }

  constant(value: string): Tensor | undefined {
    return this.initializers.find(({ name }) => name === value);
  }

  isOutput(value: string): boolean {
    return this.outputs.some(({ name }) => name === value);
  }

  /** Values that a node of the graph makes. */
  get values(): string[] {
    return this.nodes.flatMap(({ outputs }) => outputs.filter((name) => name !== ""));
  }

  fresh(part: string): string {
    return `/mutated/${part}${this.#added++}`;
  }

  replace(node: Node, ...others: readonly Node[]): void {
    this.nodes.splice(this.nodes.indexOf(node), 1, ...others);
  }

  insertBefore(node: Node, ...others: readonly Node[]): void {
    this.nodes.splice(this.nodes.indexOf(node), 0, ...others);
  }

  /** A node of one output under a name of its own; not yet part of the graph. */
  make(
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    { domain = "", output = this.fresh(opType) }: { readonly domain?: string; readonly output?: string } = {},
  ): Node {
    const name = this.fresh("node");
    return { name, opType, domain, inputs, outputs: [output], attributes: new Map(Object.entries(attributes)) };
  }

  float(...values: number[]): string {
    return this.#addConstant("float32", values.length, Float32Array.from(values));
  }

  ints(...values: number[]): string {
    return this.#addConstant("int64", values.length, BigInt64Array.from(values, BigInt));
  }

  #addConstant(type: "float32" | "int64", length: number, values: Float32Array | BigInt64Array): string {
    const name = this.fresh("constant");
    const data = new Uint8Array(values.buffer);
    this.initializers.push({ name, type, dims: [length], data });
    return name;
  }

  #valuesNearCache(): Set<string> {
    const near = new Set([...this.pasts, ...this.presents]);
    for (let step = 0; step < NEAR_STEPS; step++) {
      const more: string[] = [];
      for (const { inputs, outputs } of this.nodes) {
        if (inputs.some((name) => near.has(name))) more.push(...outputs);
        if (step < 2 && outputs.some((name) => near.has(name))) more.push(...inputs);
      }
      for (const name of more) if (name !== "") near.add(name);
    }
    return near;
  }
}
