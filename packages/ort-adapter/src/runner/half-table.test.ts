import { expect, it } from "vitest";
import { createHalfTable } from "./half-table.ts";

// IEEE 754-2008 binary16: https://en.wikipedia.org/wiki/Half-precision_floating-point_format#Half_precision_examples
it.each([
  [0x0001, 2 ** -24],
  [0x03ff, (1023 / 1024) * 2 ** -14],
  [0x0400, 2 ** -14],
  [0x3555, 0.333251953125],
  [0x3bff, 0.99951171875],
  [0x3c00, 1],
  [0x3c01, 1.0009765625],
  [0x7bff, 65504],
  [0x7c00, Number.POSITIVE_INFINITY],
  [0x8000, -0],
  [0xc000, -2],
  [0xfc00, Number.NEGATIVE_INFINITY],
  [0x7e00, Number.NaN],
])("half %i is %d", (bits, value) => {
  expect(createHalfTable()[bits]).toBe(value);
});
