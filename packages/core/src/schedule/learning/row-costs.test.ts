import { describe, expect, it } from "vitest";
import { KNOWN_FOR, RowCosts } from "./row-costs.ts";

/** Pairs of a smallest forward and one of `rows` rows that takes `factor` times its profiled ms; all at `level`. */
function pairs(costs: RowCosts, count: number, rows: number, factor: number, level = 1): void {
  for (let i = 0; i < count; i++) {
    costs.observe(1, Math.log(level), 0, true);
    costs.observe(rows, Math.log(level * factor), 0, false);
  }
}

function plain(costs: RowCosts, count: number): void {
  for (let i = 0; i < count; i++) costs.observe(1, 0, 0, true);
}

describe("RowCosts", () => {
  it("compares with the smallest forward: a machine that is slower as a whole contradicts nothing", () => {
    const costs = new RowCosts();
    pairs(costs, 10, 8, 1, 3);
    expect([costs.contradicted, costs.widest]).toEqual([false, 8]);
    expect(costs.log(8)).toBeCloseTo(0, 12);
  });

  it("believes a dear forward at once, by its true price, and tries it once more", () => {
    const costs = new RowCosts();
    pairs(costs, 1, 8, 7);
    expect([costs.contradicted, costs.knows(8), costs.doubts(8)]).toEqual([true, false, true]);
    expect(costs.log(8)).toBeCloseTo(Math.log(7), 12);
    pairs(costs, 1, 8, 7);
    expect([costs.contradicted, costs.knows(8), costs.doubts(8)]).toEqual([true, true, false]);
    expect(costs.factor(8)).toBeGreaterThan(7);
  });

  it("takes a forward that was held up for what it was as soon as the next one is not", () => {
    const costs = new RowCosts();
    pairs(costs, 1, 8, 7);
    pairs(costs, 1, 8, 1.02);
    expect(costs.contradicted).toBe(false);
    expect(costs.log(8)).toBeLessThan(0.1);
  });

  it("believes a cheap forward from the third on: the smallest one may have been held up", () => {
    const costs = new RowCosts();
    pairs(costs, 2, 8, 0.3);
    expect(costs.contradicted).toBe(false);
    pairs(costs, 1, 8, 0.3);
    expect(costs.contradicted).toBe(true);
    expect(costs.log(8)).toBeCloseTo(Math.log(0.3), 12);
  });

  it("follows a change within three samples, however much was known before", () => {
    const costs = new RowCosts();
    pairs(costs, 100, 8, 1);
    const { revision } = costs;
    pairs(costs, 3, 8, 2.5);
    expect(costs.log(8)).toBeCloseTo(Math.log(2.5), 12);
    expect(costs.revision).toBeGreaterThan(revision);
  });

  it("forgets a contradiction that is long ago once other row counts have fitted since", () => {
    const costs = new RowCosts();
    pairs(costs, 3, 8, 4);
    plain(costs, KNOWN_FOR);
    expect([costs.contradicted, costs.knows(8)]).toEqual([true, false]);
    pairs(costs, 3, 4, 1);
    plain(costs, 100);
    expect(costs.contradicted).toBe(false);
  });

  it("compares with a row count that is known well where the smallest forward is not near", () => {
    const costs = new RowCosts();
    pairs(costs, 3, 4, 2);
    for (let i = 0; i < 10; i++) costs.observe(4, Math.log(2), 0, false);
    costs.observe(16, Math.log(6), 0, false);
    expect(costs.log(16)).toBeCloseTo(Math.log(6), 6);
  });

  it("keeps every row count up to 16 apart, and wide ones in eight places to a doubling", () => {
    const costs = new RowCosts();
    pairs(costs, 3, 2, 2);
    expect([costs.log(2) > 0, costs.log(3), costs.log(4)]).toEqual([true, 0, 0]);
    pairs(costs, 3, 5000, 2);
    expect(costs.log(5000)).toBeCloseTo(Math.log(2), 12);
  });
});
