import fc from "fast-check";
import { Tensor } from "onnxruntime-common";
import { describe, expect, it } from "vitest";
import { integerTensor, MaskFeed, RowFeed } from "./integer-feeds.ts";

const numbers = (tensor: Tensor) => Array.from(tensor.data as BigInt64Array | Int32Array, Number);
const types = fc.constantFrom("int64", "int32");
const value = fc.nat(2 ** 31 - 1);

describe("RowFeed", () => {
  it("holds what was written last, for any sequence of lengths", () => {
    fc.assert(
      fc.property(types, fc.array(fc.array(value, { minLength: 1, maxLength: 200 })), (type, rows) => {
        const feed = new RowFeed(Tensor, { name: "input_ids", type });
        for (const row of rows) {
          const tensor = feed.copy([9, ...row], 1, row.length);
          expect(tensor.type).toBe(type);
          expect(tensor.dims).toEqual([1, row.length]);
          expect(numbers(tensor)).toEqual(row);
        }
      }),
    );
  });

  it("counts positions", () => {
    const feed = new RowFeed(Tensor, { name: "position_ids", type: "int64" });
    expect(numbers(feed.count(5, 3))).toEqual([5, 6, 7]);
    expect(numbers(feed.count(70_000, 100))).toEqual(Array.from({ length: 100 }, (_, i) => 70_000 + i));
  });

  it("makes one tensor for each length", () => {
    const feed = new RowFeed(Tensor, { name: "input_ids", type: "int64" });
    expect(feed.copy([1, 2], 0, 2)).toBe(feed.copy([3, 4], 0, 2));
  });
});

it("MaskFeed gives ones of any length", () => {
  fc.assert(
    fc.property(types, fc.array(fc.integer({ min: 1, max: 1000 })), (type, totals) => {
      const mask = new MaskFeed(Tensor, { name: "attention_mask", type });
      for (const total of totals) expect(numbers(mask.ones(total))).toEqual(Array(total).fill(1));
    }),
  );
});

it("integerTensor has the rank that the model declares", () => {
  expect(integerTensor(Tensor, { type: "int64", scalar: true }, 7)).toMatchObject({ dims: [], type: "int64" });
  expect(integerTensor(Tensor, { type: "int32", scalar: false }, 7).dims).toEqual([1]);
  expect(numbers(integerTensor(Tensor, { type: "int64", scalar: true }, 7))).toEqual([7]);
});
