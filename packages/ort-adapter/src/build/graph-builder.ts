import { type DataType, dataTypeCode } from "../onnx/data-type.ts";
import type { Attribute, Dim, Model, Node, Tensor, ValueInfo } from "../onnx/model.ts";

const IR_VERSION = 10;
const ONNX_OPSET = 21;

/** Domain of the operators that only ONNX Runtime has. */
export const MICROSOFT = "com.microsoft";

/** What a node may have besides its inputs. */
export interface NodeOptions {
  /** Name of the output of a node that has one. Default: `<name>/output_0`. */
  readonly output?: string;
  readonly domain?: string;
  readonly attributes?: Readonly<Record<string, Attribute>>;
}

export const intsAttribute = (value: readonly number[]): Attribute => ({ kind: "ints", value });
/** A tensor type as Cast's `to` wants it. */
export const typeAttribute = (type: DataType): Attribute => intAttribute(dataTypeCode(type));
export const intAttribute = (value: number): Attribute => ({ kind: "int", value });
export const floatAttribute = (value: number): Attribute => ({ kind: "float", value });
export const stringAttribute = (value: string): Attribute => ({ kind: "string", value });

/**
 * Collects nodes and constants in topological order. Node names are paths such as `/model/layers.0/mlp/gate_proj/MatMul`
 * and their outputs `<name>/output_<i>`, as PyTorch exports name them, so that a reader can group nodes by module.
 */
export class GraphBuilder {
  readonly #nodes: Node[] = [];
  readonly #initializers = new Map<string, Tensor>();
  readonly #inputs: ValueInfo[] = [];
  readonly #outputs: ValueInfo[] = [];

  /** Adds a node with one output and returns that output's name. */
  add(name: string, opType: string, inputs: readonly string[], options: NodeOptions = {}): string {
    const { output = `${name}/output_0` } = options;
    this.addTo([output], name, opType, inputs, options);
    return output;
  }

  /** Adds a node whose outputs are named by the caller; "" leaves an optional output out. */
  addTo(
    outputs: readonly string[],
    name: string,
    opType: string,
    inputs: readonly string[],
    { domain = "", attributes = {} }: NodeOptions = {},
  ): void {
    this.#nodes.push({ name, opType, domain, inputs, outputs, attributes: new Map(Object.entries(attributes)) });
  }

  input(name: string, type: DataType, shape: readonly Dim[]): string {
    this.#inputs.push({ name, type, shape });
    return name;
  }

  output(name: string, type: DataType, shape: readonly Dim[]): string {
    this.#outputs.push({ name, type, shape });
    return name;
  }

  /** Adds a constant whose bytes are made when the model is written. */
  lazy(name: string, type: DataType, dims: readonly number[], make: () => Uint8Array): string {
    this.#initializers.set(name, { name, type, dims, make });
    return name;
  }

  constant(name: string, type: DataType, dims: readonly number[], values: ArrayBufferView): string {
    this.#initializers.set(name, { name, type, dims, data: rawBytes(values) });
    return name;
  }

  /** An int64 vector shared by all who ask for the same values. */
  int64s(...values: number[]): string {
    const name = `/constants/int64/[${values.join(",")}]`;
    return this.constant(name, "int64", [values.length], BigInt64Array.from(values, BigInt));
  }

  /** An int64 scalar shared by all who ask for the same value. */
  int64(value: number): string {
    return this.constant(`/constants/int64/${value}`, "int64", [], BigInt64Array.of(BigInt(value)));
  }

  /** A float32 scalar shared by all who ask for the same value. */
  float32(value: number): string {
    return this.constant(`/constants/float32/${value}`, "float32", [], Float32Array.of(value));
  }

  build(name: string): Model {
    return {
      irVersion: IR_VERSION,
      producerName: "nearfree",
      opsets: [
        { domain: "", version: ONNX_OPSET },
        { domain: MICROSOFT, version: 1 },
      ],
      graph: {
        name,
        nodes: this.#nodes,
        initializers: [...this.#initializers.values()],
        inputs: this.#inputs,
        outputs: this.#outputs,
        valueInfos: [],
      },
      functions: [],
    };
  }
}

/** The bytes under a typed array, uncopied. */
export function rawBytes(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
