import type { OnnxValue, Tensor } from "onnxruntime-common";

/**
 * ONNX Runtime 1.30 gives float16 as a Float16Array where JavaScript has one (Node 24), and cannot take its own outputs back: it reads
 * 0 bytes ("not enough space: expected 256, got 0"). It takes the same memory as a Uint16Array on every Node.
 */

/** Makes the data of a float16 tensor that is ours on the CPU its bits, for good; any other tensor stays as it is. */
export function keepAsBits(tensor: Tensor): Tensor {
  const bits = bitsInstead(tensor);
  return bits === undefined ? tensor : Object.defineProperty(tensor, "data", dataIs(bits));
}

/** The same for a value that is somebody else's: an heir of it that shows its bits, or the value itself where that needs none. */
export function shownAsBits(value: OnnxValue): OnnxValue {
  const bits = bitsInstead(value);
  return bits === undefined ? value : (Object.create(value as Tensor, { data: dataIs(bits) }) as Tensor);
}

/** Whether this JavaScript has the array that ONNX Runtime cannot take back: elsewhere there is nothing to do. */
export const HAS_FLOAT16_ARRAY = "Float16Array" in globalThis;

function bitsInstead(value: OnnxValue): Uint16Array | undefined {
  const { type, location } = (value ?? {}) as Partial<Tensor>;
  if (type !== "float16" || (location !== "cpu" && location !== "cpu-pinned")) return undefined;
  const data = (value as Tensor).data as Uint16Array;
  return Object.prototype.toString.call(data) === "[object Float16Array]" ? bitsOf(data) : undefined;
}

/** The bits of float16 elements, whatever array holds them: a view, nothing is copied. */
export function bitsOf({ buffer, byteOffset, length }: Pick<Uint16Array, "buffer" | "byteOffset" | "length">) {
  return new Uint16Array(buffer, byteOffset, length);
}

function dataIs(value: Uint16Array): PropertyDescriptor {
  return { value, configurable: true, enumerable: true };
}
