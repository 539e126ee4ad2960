import type { Attribute } from "../onnx/model.ts";
import { intAttribute } from "./graph-builder.ts";

export interface Int4Product {
  /** Outputs, N of the operator. */
  readonly rows: number;
  /** Inputs, K of the operator. */
  readonly columns: number;
  readonly blockSize: number;
  readonly accuracyLevel: number;
}

/** Attributes of a MatMulNBits node with four-bit weights. */
export function matMulNBitsAttributes({
  rows,
  columns,
  blockSize,
  accuracyLevel,
}: Int4Product): Record<string, Attribute> {
  return {
    K: intAttribute(columns),
    N: intAttribute(rows),
    bits: intAttribute(4),
    block_size: intAttribute(blockSize),
    accuracy_level: intAttribute(accuracyLevel),
  };
}
