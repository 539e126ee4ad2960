import { describe, expect, it } from "vitest";
import { BaseChecks } from "./base-checks.ts";
import { CostCorrection } from "./cost.ts";

/** Steps of `rows` rows that each gain `gainMs` on a plain one of 1 ms. Returns how many checks there were. */
function run(steps: number, rows: number, gainMs: number, msOf: (rows: number) => number): number {
  const cost = new CostCorrection();
  const checks = new BaseChecks(cost);
  let count = 0;
  for (let i = 0; i < steps; i++) {
    const check = checks.due(rows, gainMs);
    const run = check ? 1 : rows;
    if (check) count++;
    checks.earn(msOf(run), 1);
    if (check) checks.spend(rows, gainMs);
    cost.observe(run, msOf(run), 1 + 0.1 * (run - 1));
  }
  return count;
}

describe("BaseChecks", () => {
  const fits = (rows: number) => 1 + 0.1 * (rows - 1);

  it("runs the smallest forward once to begin with, and hardly ever where much is gained without", () => {
    expect(run(2, 8, 2, fits)).toBe(1);
    expect(run(2000, 8, 2, fits)).toBeLessThan(12);
  });

  it("keeps to its share of the time, and is there often where little is to lose", () => {
    const often = run(2000, 2, 0.02, fits);
    expect(often).toBeGreaterThan(100);
    expect(often * 0.02).toBeLessThan(4 * 0.0025 * 2000 * 1.1);
  });
});
