/** Value of every fp16 bit pattern, [65536]; made on first use. A lookup is some ten times faster than arithmetic. */
let table: Float32Array | undefined;

/** Decodes little-endian bytes of fp32, fp16 or bfloat16 numbers. */
export function toFloat32(bytes: Uint8Array, dtype: "F32" | "F16" | "BF16"): Float32Array {
  // A copy, since tensors in a file need not be aligned. Not slice(): on a Buffer it does not copy.
  const copy = new Uint8Array(bytes).buffer;
  if (dtype === "F32") return new Float32Array(copy);
  const halves = new Uint16Array(copy);
  if (dtype === "BF16") return new Float32Array(Uint32Array.from(halves, (bits) => bits << 16).buffer);
  table ??= Float32Array.from({ length: 65_536 }, (_, bits) => decodeHalf(bits));
  const out = new Float32Array(halves.length);
  for (let i = 0; i < out.length; i++) out[i] = table[halves[i]!]!;
  return out;
}

/** IEEE 754 binary16: 1 bit sign, 5 exponent, 10 fraction. */
function decodeHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
