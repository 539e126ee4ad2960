import { type DataType, dataTypeOf } from "../data-type.ts";
import type { Node, Tensor } from "../model.ts";
import { intAttribute } from "./attributes.ts";
import type { FlatGraph } from "./flatten.ts";

/** Operators through which a weight is still that weight: ONNX Runtime folds them or fuses them into the kernel. */
const WEIGHT_PATH = new Set(["Transpose", "Cast", "Identity", "DequantizeLinear", "Reshape", "Squeeze", "Unsqueeze"]);
const MAX_PATH = 16;

/** A weight as an operator sees it: the stored tensor and what lies between. */
export interface TracedWeight {
  readonly tensor: Tensor;
  /** Whether an odd number of Transpose nodes lies between. */
  readonly transposed: boolean;
  /** Scales and zero points of the DequantizeLinear between. */
  readonly scales: readonly Tensor[];
}

/** What is known of a flat graph's values without running it. */
export class Values {
  readonly #graph: FlatGraph;
  readonly #producers = new Map<string, Node>();
  readonly #readers = new Map<string, Node[]>();
  readonly #folded = new Set<string>();
  readonly #types = new Map<string, DataType>();

  constructor(graph: FlatGraph) {
    this.#graph = graph;
    for (const [name, tensor] of graph.constants) this.#types.set(name, tensor.type);
    for (const { name, type } of graph.inputs) if (type !== undefined) this.#types.set(name, type);
    for (const node of graph.nodes) {
      for (const output of node.outputs) if (output !== "") this.#producers.set(output, node);
      for (const input of new Set(node.inputs)) {
        const readers = this.#readers.get(input);
        if (readers === undefined) this.#readers.set(input, [node]);
        else readers.push(node);
      }
      if (this.isFolded(node)) for (const output of node.outputs) this.#folded.add(output);
      this.#inferTypes(node);
    }
  }

  producer(value: string): Node | undefined {
    return this.#producers.get(value);
  }

  /** Nodes that take the value as an input. */
  readersOf(value: string | undefined): readonly Node[] {
    return this.#readers.get(value ?? "") ?? [];
  }

  /** Whether the value is the same in every forward. */
  isConstant(value: string): boolean {
    return value === "" || this.#graph.constants.has(value) || this.#folded.has(value);
  }

  /** Whether the node runs once, when the session is made, and not in forwards. */
  isFolded(node: Node): boolean {
    return node.inputs.length > 0 && node.inputs.every((input) => this.isConstant(input));
  }

  type(value: string): DataType | undefined {
    return this.#types.get(value);
  }

  constant(value: string): Tensor | undefined {
    return this.#graph.constants.get(value);
  }

  /** The stored weight behind `value`, or undefined where it is computed. */
  weight(value: string | undefined): TracedWeight | undefined {
    const scales: Tensor[] = [];
    let transposed = false;
    let name = value ?? "";
    for (let step = 0; step < MAX_PATH; step++) {
      const tensor = this.constant(name);
      if (tensor !== undefined) return { tensor, transposed, scales };
      const node = this.producer(name);
      if (node === undefined || !WEIGHT_PATH.has(node.opType)) return undefined;
      if (node.opType === "Transpose") transposed = !transposed;
      if (node.opType === "DequantizeLinear") {
        scales.push(...node.inputs.slice(1).flatMap((input) => this.constant(input) ?? []));
      }
      name = node.inputs[0] ?? "";
    }
    return undefined;
  }

  /** The integers of a small constant, or undefined. */
  integers(value: string | undefined): readonly number[] | undefined {
    const type = this.constant(value ?? "")?.type;
    return type === "int64" || type === "int32" ? this.numbers(value) : undefined;
  }

  /** The numbers of a small constant, or undefined. */
  numbers(value: string | undefined): readonly number[] | undefined {
    const tensor = this.constant(value ?? "");
    return tensor?.data && smallNumbers(tensor.type, tensor.data);
  }

  #inferTypes(node: Node): void {
    const inferred = outputTypes(node, (input) => this.type(node.inputs[input] ?? ""));
    node.outputs.forEach((output, i) => {
      const type = this.#graph.declared.get(output)?.type ?? inferred[i] ?? inferred[0];
      if (output !== "" && type !== undefined) this.#types.set(output, type);
    });
  }
}

/** The elements of an inline tensor, of the types that lengths and thresholds come in. */
export function smallNumbers(type: DataType, data: Uint8Array): readonly number[] | undefined {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const all = (width: number, read: (offset: number) => number) =>
    Array.from({ length: Math.floor(view.byteLength / width) }, (_, i) => read(i * width));
  switch (type) {
    case "int64":
      return all(8, (offset) => Number(view.getBigInt64(offset, true)));
    case "int32":
      return all(4, (offset) => view.getInt32(offset, true));
    case "float32":
      return all(4, (offset) => view.getFloat32(offset, true));
    case "float64":
      return all(8, (offset) => view.getFloat64(offset, true));
    case "bool":
    case "uint8":
      return [...data];
    default:
      return undefined;
  }
}

const BOOLEAN = new Set(["Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Not", "And", "Or", "IsNaN"]);
const INTEGER = new Set(["Shape", "Size", "NonZero", "ArgMax", "ArgMin"]);

/** Types of a node's outputs; the first stands for those after it. Most operators give what they take. */
function outputTypes(node: Node, input: (i: number) => DataType | undefined): readonly (DataType | undefined)[] {
  const { opType } = node;
  if (BOOLEAN.has(opType)) return ["bool"];
  if (INTEGER.has(opType)) return ["int64"];
  switch (opType) {
    case "Cast":
      return [dataTypeOf(intAttribute(node, "to") ?? 0)];
    case "MatMulInteger":
    case "ConvInteger":
      return ["int32"];
    case "DynamicQuantizeLinear":
      return ["uint8", "float32", "uint8"];
    case "QuantizeLinear":
      return [input(2) ?? "uint8"];
    case "DequantizeLinear":
    case "GatherBlockQuantized":
      return [input(opType === "DequantizeLinear" ? 1 : 2)];
    case "TopK":
      return [input(0), "int64"];
    case "Where":
      return [input(1)];
    case "If":
      return node.outputs.map((_, i) => input(1 + i));
    case "MatMulIntegerToFloat":
      return [input(2)];
    case "GroupQueryAttention":
      return [input(0), input(3) ?? input(0), input(4) ?? input(0)];
    case "ConstantOfShape": {
      const value = node.attributes.get("value");
      return [value?.kind === "tensor" ? value.value.type : "float32"];
    }
    default:
      return [input(0) ?? input(1)];
  }
}
