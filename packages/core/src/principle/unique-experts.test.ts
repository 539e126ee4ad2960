import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expertLoads, measuredUniqueExperts, uniqueExperts } from "./unique-experts.ts";

/** Distinct experts that `positions` rows wake, averaged over `draws` random routings. */
function simulate(count: number, active: number, positions: number, draws: number): number {
  let state = 7;
  const random = () => {
    // A linear congruential generator (Numerical Recipes): another one than the code's own.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  let total = 0;
  for (let draw = 0; draw < draws; draw++) {
    const woken = new Set<number>();
    for (let row = 0; row < positions; row++) {
      const own = new Set<number>();
      while (own.size < active) own.add(Math.floor(random() * count));
      for (const id of own) woken.add(id);
    }
    total += woken.size;
  }
  return total / draws;
}

describe("uniqueExperts", () => {
  it.each([
    [8, 2, 1],
    [8, 2, 4],
    [32, 4, 3],
    [32, 4, 16],
    [128, 8, 32],
  ])("%d experts, %d active, %d rows: as a simulation has it", (count, active, positions) => {
    const simulated = simulate(count, active, positions, 4_000);
    expect(Math.abs(uniqueExperts(count, active, positions) - simulated)).toBeLessThan(0.02 * count);
  });

  it("is the active experts for one row and never more than all", () => {
    expect(uniqueExperts(32, 4, 1)).toBeCloseTo(4, 12);
    expect(uniqueExperts(8, 8, 5)).toBe(8);
    expect(uniqueExperts(8, 2, 1_000)).toBeCloseTo(8, 12);
  });
});

describe("expertLoads", () => {
  const loads = (lanes: number, costOf: (rows: number) => number) =>
    expertLoads({ count: 16, active: 2, lanes, maxPositions: 32, costOf });

  it("costs as many experts as are woken where rows cost nothing", () => {
    const { costMs, unique } = loads(1, () => 1);
    for (const n of [1, 2, 8, 32]) expect(costMs[n - 1]! / unique[n - 1]!).toBeCloseTo(1, 1);
  });

  it("costs as many rows as there are where an expert costs nothing", () => {
    const { costMs } = loads(1, (rows) => rows);
    costMs.forEach((ms, i) => {
      expect(ms).toBeCloseTo(2 * (i + 1), 9);
    });
  });

  it("takes the slowest of two lanes: more than half, less than all", () => {
    const one = loads(1, () => 1).costMs;
    const two = loads(2, () => 1).costMs;
    two.forEach((ms, i) => {
      expect(ms).toBeGreaterThanOrEqual(one[i]! / 2);
      expect(ms).toBeLessThan(one[i]!);
    });
  });

  it("never falls with n, and is the same on every call", () => {
    const { costMs } = loads(2, (rows) => 1 + Math.ceil(rows / 6));
    expect(costMs.every((ms, i) => i === 0 || ms >= costMs[i - 1]!)).toBe(true);
    expect(loads(2, (rows) => 1 + Math.ceil(rows / 6)).costMs).toEqual(costMs);
  });
});

describe("measuredUniqueExperts", () => {
  it("is the mean over layers and places of the different experts in a row", () => {
    const first = Int32Array.of(0, 1, 0, 1, 2, 3, 2, 3); // Two of four experts for each of four positions.
    const second = Int32Array.of(0, 1, 2, 3, 0, 1, 2, 3);
    // At the places 0 and 1: {0 1} {0 1 2 3} in the first; {0 1 2 3} {0 1 2 3} in the second.
    expect(measuredUniqueExperts([first], 2, 3)).toEqual([2, 3, 4]);
    expect(measuredUniqueExperts([first, second], 2, 3)).toEqual([2, 3.5, 4]);
  });

  it("starts at the active experts and never falls, for any routing; nothing comes of no text", () => {
    const random = fc.integer({ min: 0, max: 7 });
    const row = fc.uniqueArray(random, { minLength: 2, maxLength: 2 });
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 64 }), (rows, most) => {
        const woken = measuredUniqueExperts([Int32Array.from(rows.flat())], 2, most);
        expect(woken).toHaveLength(Math.min(most, rows.length));
        expect(woken[0]).toBe(2);
        expect(woken.every((value, i) => i === 0 || value >= woken[i - 1]!)).toBe(true);
      }),
    );
    expect(measuredUniqueExperts([new Int32Array(0)], 2, 8)).toEqual([]);
    expect(measuredUniqueExperts([], 2, 8)).toEqual([]);
  });
});
