import type { Tensor, TensorConstructor } from "onnxruntime-common";

/** A tensor of this shape with values of both signs near 1: what activations look like to a kernel. */
export function waveTensor(TensorClass: TensorConstructor, dims: readonly number[]): Tensor {
  const length = dims.reduce((a, b) => a * b, 1);
  const values = Float32Array.from({ length }, (_, i) => Math.sin(1.7 * i));
  return new TensorClass("float32", values, dims);
}
