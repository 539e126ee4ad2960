import { describe, expect, it } from "vitest";
import { geomean, ratioOver } from "./score.ts";

describe("ratioOver", () => {
  it("is the geometric mean, with Student's interval on the logarithms", () => {
    expect(geomean([2, 8])).toBeCloseTo(4, 12);
    // Logs -1, 0, 1, twice, about 0: s = sqrt(4/5), t(5) = 2.571, half-width 2.571 * s / sqrt(6).
    const { mean, low, high } = ratioOver([Math.exp(-1), Math.exp(-1), 1, 1, Math.E, Math.E]);
    expect(mean).toBeCloseTo(1, 12);
    expect(Math.log(high)).toBeCloseTo((2.571 * Math.sqrt(0.8)) / Math.sqrt(6), 2);
    expect(low * high).toBeCloseTo(1, 9);
  });

  it("has t(19) = 2.093 for twenty seeds, and no interval for one", () => {
    const values = Array.from({ length: 20 }, (_, i) => Math.exp(i % 2 === 0 ? 0.1 : -0.1));
    const sd = Math.sqrt((20 * 0.01) / 19);
    expect((Math.log(ratioOver(values).high) * Math.sqrt(20)) / sd).toBeCloseTo(2.093, 2);
    expect(ratioOver([1.5])).toEqual({
      mean: expect.closeTo(1.5, 12),
      low: expect.closeTo(1.5, 12),
      high: expect.closeTo(1.5, 12),
    });
  });
});
