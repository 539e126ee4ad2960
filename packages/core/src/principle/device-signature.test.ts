import { expect, it } from "vitest";
import { sampleKernel, sampleSignature } from "../testing/sample-signature.ts";
import { parseSignature } from "./device-signature.ts";

it("gives back a whole signature", () => {
  expect(parseSignature(JSON.parse(JSON.stringify(sampleSignature())))).toEqual(sampleSignature());
});

it("knows the classes of rewritten graphs, and no other form of a cache", () => {
  const withCache = (cache: string) => {
    const kernel = { operator: "GroupQueryAttention", activation: "float32", cache };
    return sampleSignature({ kernels: [sampleKernel({ kernel: kernel as never })] });
  };
  expect(parseSignature(withCache("lean"))).toEqual(withCache("lean"));
  expect(parseSignature(withCache("none"))).toBeUndefined();
});

it.each([
  ["another version", { ...sampleSignature(), version: 2 }],
  ["an unknown field", { ...sampleSignature(), more: 1 }],
  ["a cache that ends before it begins", sampleSignature({ cache: { insideBytes: 2, beyondBytes: 1 } })],
  ["no bandwidth", sampleSignature({ kernels: [sampleKernel({ bytesPerSecond: { inside: 1, beyond: 0 } })] })],
  [
    "rows that do not begin at one",
    sampleSignature({ kernels: [sampleKernel({ rows: [{ positions: 2, value: 1 }] })] }),
  ],
  [
    "rows out of order",
    sampleSignature({ kernels: [sampleKernel({ rows: [1, 3, 2].map((positions) => ({ positions, value: 1 })) })] }),
  ],
  ["text", "signature"],
])("refuses %s", (_what, value) => {
  expect(parseSignature(value)).toBeUndefined();
});
