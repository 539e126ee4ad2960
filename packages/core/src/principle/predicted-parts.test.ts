import { describe, expect, it } from "vitest";
import { constantParts, idleOf, merge, type Parts } from "./predicted-parts.ts";

const KERNEL: Parts = {
  bandwidthMs: [6, 6],
  computeMs: [1, 2],
  constantMs: [1, 1],
  costMs: [8, 9],
  peakMs: 0.5,
};

describe("merge", () => {
  it("adds up every part, n by n", () => {
    expect(merge([KERNEL, constantParts([2, 3])], 2)).toEqual({
      bandwidthMs: [6, 6],
      computeMs: [1, 2],
      constantMs: [3, 4],
      costMs: [10, 12],
      peakMs: 0.5,
    });
  });
});

describe("idleOf", () => {
  it("counts the rows at the peak that fit into what the kernels take, constants left out", () => {
    expect(idleOf([KERNEL])).toBe(14);
    expect(idleOf([KERNEL, constantParts([100, 100])])).toBe(14);
  });

  it("is at least one, and without bound where nothing computes", () => {
    expect(idleOf([{ ...KERNEL, peakMs: 100 }])).toBe(1);
    expect(idleOf([constantParts([1, 1])])).toBe(Number.POSITIVE_INFINITY);
  });
});
