import fc from "fast-check";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { encodeModelToBytes } from "../onnx/write/writer.ts";
import { GraphBuilder } from "./graph-builder.ts";
import { dequantiseInt4, INT4_BLOCK, quantiseInt4 } from "./int4.ts";
import { addLinear } from "./linear.ts";

const block = fc.float32Array({ minLength: INT4_BLOCK, maxLength: INT4_BLOCK, noNaN: true, min: -100, max: 100 });

function squaredError(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0);
}

describe("quantiseInt4", () => {
  it("is never worse than the plain rule that puts the largest value at -8", () => {
    fc.assert(
      fc.property(block, (values) => {
        const largest = values.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a));
        const scale = largest / -8;
        const plain = values.map((v) => (scale === 0 ? 0 : Math.min(7, Math.max(-8, Math.round(v / scale))) * scale));
        const found = dequantiseInt4(quantiseInt4(values));
        expect(found.every(Number.isFinite)).toBe(true);
        expect(squaredError(values, found)).toBeLessThanOrEqual(squaredError(values, plain) * (1 + 1e-4) + 1e-8);
      }),
    );
  });

  it("keeps values on the grid, the earlier in the low nibble", () => {
    const levels = Float32Array.from({ length: INT4_BLOCK }, (_, i) => (i % 16) - 8);
    const { packed, scales } = quantiseInt4(levels);
    expect(scales).toEqual(Float32Array.of(1));
    expect(packed.slice(0, 3)).toEqual(Uint8Array.of(0x10, 0x32, 0x54));
    expect(dequantiseInt4({ packed, scales })).toEqual(levels);
  });

  it("stores zeros and values too small to scale as zeros", () => {
    const values = new Float32Array(2 * INT4_BLOCK);
    values[INT4_BLOCK] = 1e-45;
    const found = dequantiseInt4(quantiseInt4(values));
    expect(found.every((value) => Math.abs(value) < 1e-44)).toBe(true);
  });

  it("is what MatMulNBits multiplies by", async () => {
    const rows = 48;
    const columns = 96;
    const values = Float32Array.from(
      { length: rows * columns },
      (_, i) => Math.sin(i * 1.7) + 0.3 * Math.cos(i * 0.31),
    );
    const g = new GraphBuilder();
    g.input("x", "float32", [1, columns]);
    g.output("y", "float32", [1, rows]);
    const matrix = { rows, columns, read: () => values };
    addLinear(g, { quantisation: "int4", accuracyLevel: 1 }, "x", { scope: "/proj", matrix, output: "y" });
    const session = await InferenceSession.create(encodeModelToBytes(g.build("test")));
    const x = Float32Array.from({ length: columns }, (_, i) => Math.cos(i));
    const { y } = await session.run({ x: new Tensor("float32", x, [1, columns]) });
    const weights = dequantiseInt4(quantiseInt4(values));
    for (const [r, value] of (y!.data as Float32Array).entries()) {
      const expected = x.reduce((sum, each, c) => sum + each * weights[r * columns + c]!, 0);
      expect(value).toBeCloseTo(expected, 3);
    }
  });
});
