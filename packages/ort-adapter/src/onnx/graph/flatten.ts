import { invalidModel } from "../invalid-model.ts";
import type { Attribute, Graph, Model, ModelFunction, Node, Tensor, ValueInfo } from "../model.ts";

/** Functions within functions, above any real model. */
const MAX_FUNCTION_DEPTH = 32;
/** Memory that the operators of written out functions may take: some 20,000 of them. A few lines can call each other a million times. */
const MAX_WRITTEN_BYTES = 24 * 1024 * 1024;
const NODE_BYTES = 1200;

/** A graph as one list of operators: functions written out, bodies of If and Loop in place. */
export interface FlatGraph {
  /** In topological order. */
  readonly nodes: readonly Node[];
  /** Initializers and the values of Constant nodes, by name. */
  readonly constants: ReadonlyMap<string, Tensor>;
  /** Declared types and shapes of inputs, outputs and inner values, by name. */
  readonly declared: ReadonlyMap<string, ValueInfo>;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** What a body that runs a number of times unknown here, or not always, leaves open. */
  readonly unresolved: readonly string[];
  /** Whether nothing that a run may take was left out: false where an If had other branches. */
  readonly whole: boolean;
}

/** Which branch of an If is written out: the one that reads more of the graph's inputs, or each. */
export type Branches = "fullest" | "every";

interface Flattening {
  readonly functions: ReadonlyMap<string, ModelFunction>;
  readonly nodes: Node[];
  readonly constants: Map<string, Tensor>;
  readonly declared: Map<string, ValueInfo>;
  readonly inputNames: ReadonlySet<string>;
  readonly unresolved: Set<string>;
  readonly written: Branches;
  ifs: number;
  /** Memory taken so far by operators of functions. */
  writtenBytes: number;
  calls: number;
}

/** How the names and attributes of a function's body read at the place of its call. */
interface Scope {
  readonly rename: (value: string) => string;
  readonly attributes: ReadonlyMap<string, Attribute>;
  readonly depth: number;
}

const TOP: Scope = { rename: (value) => value, attributes: new Map(), depth: 0 };

/**
 * Writes a model out as one list of nodes. Of an If the branch that reads more of the graph's inputs is taken (in a merged
 * decoder the one with the KV cache); a Loop's body is taken once. With `written` = `every` all branches are written out, and the If
 * stays as a node that takes its condition, then the results of each branch in turn, as
 * a Loop does with those of its body.
 * @throws NearfreeError `invalid-model` for functions that call themselves or unfold without end.
 */
export function flatten(model: Model, written: Branches = "fullest"): FlatGraph {
  const { graph } = model;
  const state: Flattening = {
    functions: new Map(model.functions.map((each) => [functionKey(each.domain, each.name), each])),
    nodes: [],
    constants: new Map(),
    declared: new Map(),
    inputNames: new Set(graph.inputs.map(({ name }) => name)),
    unresolved: new Set(),
    written,
    ifs: 0,
    writtenBytes: 0,
    calls: 0,
  };
  addGraph(state, graph, TOP);
  const { nodes, constants, declared, unresolved } = state;
  // Old models list their initializers among the inputs.
  const inputs = graph.inputs.filter(({ name }) => !constants.has(name));
  const whole = written === "every" || (state.ifs === 0 && unresolved.size === 0);
  return { nodes, constants, declared, inputs, outputs: graph.outputs, unresolved: [...unresolved], whole };
}

function addGraph(state: Flattening, graph: Graph, scope: Scope): void {
  for (const tensor of graph.initializers) state.constants.set(scope.rename(tensor.name), tensor);
  for (const value of [...graph.valueInfos, ...graph.inputs, ...graph.outputs]) {
    state.declared.set(scope.rename(value.name), value);
  }
  for (const node of graph.nodes) addNode(state, node, scope);
}

function addNode(state: Flattening, node: Node, scope: Scope): void {
  const placed = placeNode(node, scope);
  if (scope.depth > 0) countWritten(state, placed);
  const constant = placed.opType === "Constant" ? constantValue(placed) : undefined;
  if (constant !== undefined && placed.outputs[0] !== undefined) {
    state.constants.set(placed.outputs[0], constant);
    return;
  }
  const definition = state.functions.get(functionKey(node.domain, node.opType));
  if (definition !== undefined) addCall(state, definition, placed, scope.depth);
  else if (node.opType === "If") addIf(state, placed, scope);
  else {
    const results = addBodies(state, placed, scope);
    state.nodes.push(results.length === 0 ? placed : { ...placed, inputs: [...placed.inputs, ...results] });
  }
}

/** @throws NearfreeError `invalid-model` once the functions take more memory, written out, than any real model's. */
function countWritten(state: Flattening, { inputs, outputs }: Node): void {
  const names = [...inputs, ...outputs].reduce((sum, name) => sum + name.length, 0);
  state.writtenBytes += NODE_BYTES + names;
  if (state.writtenBytes <= MAX_WRITTEN_BYTES) return;
  throw invalidModel("graph", {
    expected: "functions that fit in memory when written out",
    received: "ever more nodes",
  });
}

/** The node with the names and attributes that hold at the call. */
function placeNode(node: Node, scope: Scope): Node {
  if (scope === TOP) return node;
  const attributes = new Map<string, Attribute>();
  for (const [name, attribute] of node.attributes) {
    const value = attribute.kind === "reference" ? scope.attributes.get(attribute.value) : attribute;
    if (value !== undefined) attributes.set(name, value);
  }
  return { ...node, inputs: node.inputs.map(scope.rename), outputs: node.outputs.map(scope.rename), attributes };
}

function addCall(state: Flattening, definition: ModelFunction, call: Node, depth: number): void {
  if (depth >= MAX_FUNCTION_DEPTH) {
    throw invalidModel("graph", {
      expected: `functions at most ${MAX_FUNCTION_DEPTH} deep`,
      received: `${definition.name} calling itself or deeper ones`,
    });
  }
  const names = new Map<string, string>();
  definition.inputs.forEach((formal, i) => {
    names.set(formal, call.inputs[i] ?? "");
  });
  definition.outputs.forEach((formal, i) => {
    if (call.outputs[i]) names.set(formal, call.outputs[i]);
  });
  // A number of its own makes the inner names of every call unique.
  state.calls += 1;
  const prefix = `call ${state.calls}/`;
  const rename = (value: string) => (value === "" ? "" : (names.get(value) ?? prefix + value));
  for (const node of definition.nodes) addNode(state, node, { rename, attributes: call.attributes, depth: depth + 1 });
}

function addIf(state: Flattening, node: Node, scope: Scope): void {
  const branches = [...node.attributes.values()].flatMap((each) => (each.kind === "graph" ? [each.value] : []));
  state.ifs += 1;
  if (state.written === "every") addBranches(state, node, scope);
  else addFullestBranch(state, node, scope, branches);
}

function addBranches(state: Flattening, node: Node, scope: Scope): void {
  const results = ["then_branch", "else_branch"].flatMap((name) => {
    const attribute = node.attributes.get(name);
    if (attribute?.kind !== "graph") return [];
    const graph = attribute.value;
    // Branches may use the same inner names.
    state.calls += 1;
    const prefix = `branch ${state.calls}/`;
    const inner = new Set([
      ...graph.nodes.flatMap(({ outputs }) => outputs),
      ...graph.initializers.map(({ name }) => name),
    ]);
    const rename = (value: string) => (value !== "" && inner.has(value) ? prefix + value : scope.rename(value));
    addGraph(state, graph, { ...scope, rename });
    return graph.outputs.map(({ name }) => rename(name));
  });
  state.nodes.push({ ...node, inputs: [...node.inputs, ...results], attributes: new Map() });
}

function addFullestBranch(state: Flattening, node: Node, scope: Scope, branches: readonly Graph[]): void {
  const reads = (graph: Graph) =>
    new Set(graph.nodes.flatMap(({ inputs }) => inputs).filter((name) => state.inputNames.has(name))).size;
  const taken = branches.reduce<Graph | undefined>(
    (best, graph) => (best === undefined || reads(graph) > reads(best) ? graph : best),
    undefined,
  );
  if (taken === undefined) return;
  // The branch's results take the names of the If's; one that is only passed on needs a node to do so.
  const produced = new Set(taken.nodes.flatMap(({ outputs }) => outputs));
  const names = new Map<string, string>();
  const passed: Node[] = [];
  node.outputs.forEach((output, i) => {
    const inner = taken.outputs[i]?.name;
    if (inner === undefined || output === "") return;
    if (produced.has(inner) && !names.has(inner)) names.set(inner, output);
    else passed.push({ ...node, opType: "Identity", inputs: [inner], outputs: [output], attributes: new Map() });
  });
  const rename = (value: string) => names.get(value) ?? scope.rename(value);
  addGraph(state, taken, { ...scope, rename });
  for (const each of passed) state.nodes.push({ ...each, inputs: each.inputs.map(rename) });
}

/** Results of the bodies, where every branch is written out: what the node's own depend on. */
function addBodies(state: Flattening, node: Node, scope: Scope): string[] {
  const results: string[] = [];
  for (const attribute of node.attributes.values()) {
    if (attribute.kind !== "graph") continue;
    state.unresolved.add(`how often the body of ${node.opType} runs`);
    addGraph(state, attribute.value, scope);
    if (state.written === "every") results.push(...attribute.value.outputs.map(({ name }) => scope.rename(name)));
  }
  return results;
}

/** The value of a Constant node; undefined for strings and sparse tensors. */
function constantValue(node: Node): Tensor | undefined {
  for (const [name, attribute] of node.attributes) {
    if (!name.startsWith("value")) continue;
    if (attribute.kind === "tensor") return attribute.value;
    if (attribute.kind === "int") return numbersTensor(node.name, "int64", [attribute.value], []);
    if (attribute.kind === "float") return numbersTensor(node.name, "float32", [attribute.value], []);
    if (attribute.kind === "ints" || attribute.kind === "floats") {
      const type = attribute.kind === "ints" ? "int64" : "float32";
      return numbersTensor(node.name, type, attribute.value, [attribute.value.length]);
    }
  }
  return undefined;
}

function numbersTensor(name: string, type: "int64" | "float32", values: readonly number[], dims: number[]): Tensor {
  const data = type === "int64" ? BigInt64Array.from(values, BigInt) : Float32Array.from(values);
  return { name, type, dims, data: new Uint8Array(data.buffer) };
}

function functionKey(domain: string, name: string): string {
  return `${domain}:${name}`;
}
