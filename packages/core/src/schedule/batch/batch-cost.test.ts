import { expect, it } from "vitest";
import type { Profile } from "../../profile/profile.ts";
import { sampleProfile } from "../../testing/sample-profile.ts";
import { BatchCost } from "./batch-cost.ts";

function profileOf(ratios: readonly number[], batch: number, baseMs: number, contextLength = 256): Profile {
  const sample = sampleProfile(0, ratios);
  return { ...sample, baseMs, key: { ...sample.key, cell: { contextLength, batch } } };
}

const at = (cost: BatchCost, batch: number, contextLength: number) => {
  expect(cost.moveTo(batch, contextLength)).toBe(true);
  return [...cost.costMs];
};

it("padded: straight lines between batches and contexts, the nearest context outside, no batch beyond the largest", () => {
  const profiles = [
    profileOf([1, 2, 4, 9], 4, 2, 1024),
    profileOf([1, 2, 3], 2, 1, 256),
    profileOf([1, 3, 5], 2, 1, 1280),
    profileOf([1, 2, 4, 9], 4, 2, 256),
  ];
  const cost = new BatchCost(profiles, "padded");
  expect(cost.maxRows).toBe(3);
  expect(at(cost, 2, 256)).toEqual([1, 2, 3]);
  expect(at(cost, 1, 0)).toEqual([1, 2, 3]);
  expect(at(cost, 2, 768)).toEqual([1, 2.5, 4]);
  expect(at(cost, 4, 5000)).toEqual([2, 4, 8]);
  expect(at(cost, 3, 256)).toEqual([1.5, 3, 5.5]);
  expect(cost.moveTo(5, 256)).toBe(false);
  expect(at(cost, 3, 256)).toEqual([1.5, 3, 5.5]);
});

it("flat: rows of all sequences together, however many they are", () => {
  const cost = new BatchCost([profileOf([1, 2, 4], 2, 1)], "flat");
  expect(cost.maxRows).toBe(6);
  // Two sequences of one row cost 1 ms, of two rows 2 ms, of three 4 ms.
  const expected = [1, 1, 1.5, 2, 3, 4];
  expect(at(cost, 1, 256)).toEqual(expected);
  expect(at(cost, 6, 256)).toEqual(expected);
  expect(cost.moveTo(7, 256)).toBe(false);
});

it("keeps the costs while the context hardly moves", () => {
  const cost = new BatchCost([profileOf([1, 2], 1, 1, 0), profileOf([1, 3], 1, 1, 1000)], "padded");
  expect(at(cost, 1, 500)).toEqual([1, 2.5]);
  expect(at(cost, 1, 520)).toEqual([1, 2.5]);
  expect(at(cost, 1, 600)).toEqual([1, 2.6]);
});
