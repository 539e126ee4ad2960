import type { DataType } from "./data-type.ts";

/** A dimension: fixed, symbolic by name, or unknown. */
export type Dim = number | string | undefined;

/** A tensor stored in the model: an initializer or an attribute. */
export interface Tensor {
  readonly name: string;
  readonly type: DataType;
  readonly dims: readonly number[];
  /** Little-endian packed bytes. The reader leaves out what is larger than its limit for inline data. */
  readonly data?: Uint8Array | undefined;
  /** For the writer, instead of `data`: makes the bytes when the tensor is written, so that one at a time is in memory. */
  readonly make?: (() => Uint8Array) | undefined;
  /** Where the bytes are, when they are not in `data`: in the model file itself or in a file beside it. */
  readonly stored?: StoredData | undefined;
}

export interface StoredData {
  /** Path relative to the model's folder; absent when the bytes are in the model file. */
  readonly location?: string | undefined;
  readonly offset: number;
  readonly length: number;
}

export type Attribute =
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "int"; readonly value: number }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "tensor"; readonly value: Tensor }
  | { readonly kind: "graph"; readonly value: Graph }
  | { readonly kind: "floats"; readonly value: readonly number[] }
  | { readonly kind: "ints"; readonly value: readonly number[] }
  | { readonly kind: "strings"; readonly value: readonly string[] }
  | { readonly kind: "tensors"; readonly value: readonly Tensor[] }
  | { readonly kind: "graphs"; readonly value: readonly Graph[] }
  /** Inside a function body: the value comes from the calling node's attribute of this name. */
  | { readonly kind: "reference"; readonly value: string };

export interface Node {
  readonly name: string;
  readonly opType: string;
  /** Empty for the standard operators, `com.microsoft` for ONNX Runtime's own. */
  readonly domain: string;
  /** Value names; an empty string is an optional input left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Attribute>;
}

/** Type and shape of a graph's input, output or inner value. */
export interface ValueInfo {
  readonly name: string;
  /** Absent for sequences, maps and types not known here. */
  readonly type?: DataType | undefined;
  /** Absent when the rank is unknown. */
  readonly shape?: readonly Dim[] | undefined;
}

export interface Graph {
  readonly name: string;
  /** In topological order. */
  readonly nodes: readonly Node[];
  readonly initializers: readonly Tensor[];
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly valueInfos: readonly ValueInfo[];
}

/** A local function of the model: an operator defined by a body. */
export interface ModelFunction {
  readonly name: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly nodes: readonly Node[];
}

export interface OpsetImport {
  readonly domain: string;
  readonly version: number;
}

export interface Model {
  readonly irVersion: number;
  readonly producerName: string;
  readonly opsets: readonly OpsetImport[];
  readonly graph: Graph;
  readonly functions: readonly ModelFunction[];
}
