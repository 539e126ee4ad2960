import type { Tensor, TensorConstructor } from "onnxruntime-common";
import { randomFloats } from "./random-bytes.ts";

/** A tensor of this shape with values of variance 1: what activations look like to a kernel. Another `seed`, other rows. */
export function activationTensor(TensorClass: TensorConstructor, dims: readonly number[], seed = 0): Tensor {
  const length = dims.reduce((a, b) => a * b, 1);
  return new TensorClass("float32", randomFloats(length, 1, seed), dims);
}
