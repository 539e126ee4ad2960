import { describe, expect, it } from "vitest";
import { confirmInversion, INVERSION_PAIRS, inversionCandidates } from "./inversions.ts";

const point = (positions: number, ratio: number, halfWidth = 0.01) => ({
  positions,
  centre: Math.log(ratio),
  halfWidth,
  samples: 5,
});

describe("inversionCandidates", () => {
  it("offers the cheapest wider forward, largest gain first", () => {
    const curve = [point(1, 1), point(2, 1.9), point(3, 2.8), point(4, 1.08), point(8, 1.07), point(16, 1.6)];
    expect(inversionCandidates(curve)).toEqual([
      { positions: 3, cheaper: 8 },
      { positions: 2, cheaper: 8 },
    ]);
  });

  it("has none on a curve that rises, and none inside the doubt", () => {
    expect(inversionCandidates([point(1, 1), point(2, 1.1), point(4, 1.2)])).toEqual([]);
    expect(inversionCandidates([point(2, 1.1, 0.1), point(4, 1.05, 0.1)])).toEqual([]);
  });
});

describe("confirmInversion", () => {
  const candidate = { positions: 3, cheaper: 4 };
  const pairs = (ratio: number, count = INVERSION_PAIRS) =>
    Array.from({ length: count }, (_, i) => Math.log(ratio) + (i % 2 === 0 ? 0.01 : -0.01));

  it("believes six pairs that agree", () => {
    const inversion = confirmInversion(candidate, pairs(0.8), 0.02);
    expect(inversion).toMatchObject({ ...candidate, pairs: 6 });
    expect(inversion?.ratio).toBeCloseTo(0.8, 9);
  });

  it("does not believe five, nor six that may be noise", () => {
    expect(confirmInversion(candidate, pairs(0.8, 5), 0.02)).toBeUndefined();
    expect(confirmInversion(candidate, pairs(0.99), 0.02)).toBeUndefined();
    expect(confirmInversion(candidate, pairs(1.2), 0.02)).toBeUndefined();
  });
});
