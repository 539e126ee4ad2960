import { describe, expect, it } from "vitest";
import { sampleKernel } from "../testing/sample-signature.ts";
import { copyMs, KernelModel, tableAt } from "./kernel-model.ts";

describe("tableAt", () => {
  const table = [1, 2, 4].map((positions) => ({ positions, value: 10 * positions }));
  it.each([
    [1, 10],
    [3, 30],
    [8, 80],
    [0.5, 10],
  ])("%d rows: %d", (rows, value) => {
    expect(tableAt(table, rows)).toBeCloseTo(value, 12);
  });
});

it("copies along a straight line from nothing through the sizes measured, and on", () => {
  const copies = [
    { bytes: 100, ms: 1 },
    { bytes: 200, ms: 3 },
  ];
  expect([50, 100, 150, 300].map((bytes) => copyMs(copies, bytes))).toEqual([0.5, 1, 2, 5]);
});

describe("KernelModel", () => {
  it("reads from the cache, from beyond, and from both in proportion", () => {
    const at = (beyond: number) => new KernelModel(sampleKernel(), beyond).bandwidthMs(4e7);
    [1, 2.5, 4].forEach((ms, i) => {
      expect(at(i / 2)).toBeCloseTo(ms, 9);
    });
  });

  it("adds reading and computing up, or lets the larger hide the smaller, as the exponent says", () => {
    const at = (overlap: number) => new KernelModel(sampleKernel({ overlap }), 1).overlappedMs(4e7, 5e7, 6);
    expect(at(1)).toBeCloseTo(7, 9);
    expect(at(2)).toBeCloseTo(5, 9);
    expect(at(64)).toBeCloseTo(4, 6);
  });

  it("corrects what is read from beyond the cache, and nothing inside it", () => {
    const correction = [{ positions: 1, value: 1.5 }];
    const at = (beyond: number) => new KernelModel(sampleKernel({ correction }), beyond).overlappedMs(4e7, 5e7, 6);
    expect(at(0)).toBeCloseTo(4, 9);
    expect(at(1)).toBeCloseTo(10.5, 9);
  });
});
