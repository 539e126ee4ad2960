import { describe, expect, it } from "vitest";
import { COSTS, createSyntheticMachine, NOISES } from "../testing/synthetic-machine.ts";
import { measureCurve } from "./measure-curve.ts";

const machine = (grainMs = 1e-6) =>
  createSyntheticMachine({ cost: COSTS.tiled, noise: NOISES.silent, baseMs: 2, maxPositions: 32, grainMs });

describe("measureCurve", () => {
  it("gives T(n) in ms at one position and at every n asked for that the probe can run, cold forwards not counted", async () => {
    const { probe, clock, forwards } = machine();
    const positions = [1, 2, 8, 9, 17, 64];
    const curve = await measureCurve(probe, { clock, positions, budgetMs: 0 });
    expect(curve.points.map(({ positions: n }) => n)).toEqual([1, 2, 8, 9, 17]);
    for (const { positions: n, ms } of curve.points) expect(ms).toBeCloseTo(2 * COSTS.tiled(n), 3);
    expect(curve.forwards).toBe(forwards());
  });

  it("takes five samples of every n whatever the budget is, and more where there is time, but not without end", async () => {
    const runs: number[] = [];
    for (const budgetMs of [0, 150, Number.POSITIVE_INFINITY]) {
      const { probe, clock } = machine();
      runs.push((await measureCurve(probe, { clock, positions: [2, 3, 4], budgetMs })).forwards);
    }
    // 5 to get warm; the first of each n; the first anchor; then rounds of three n and two anchors.
    const forwards = (rounds: number) => 5 + 3 + 1 + 5 * rounds;
    expect(runs[0]).toBe(forwards(5));
    expect(runs[2]).toBe(forwards(15));
    expect(runs[1]).toBeGreaterThan(runs[0]!);
    expect(runs[1]).toBeLessThan(runs[2]!);
  });

  it("measures T(1) alone where nothing else is asked for", async () => {
    const { probe, clock } = machine();
    const { points } = await measureCurve(probe, { clock, positions: [], budgetMs: 0 });
    expect(points).toHaveLength(1);
    expect(points[0]!.ms).toBeCloseTo(2, 3);
  });

  it("times forwards in groups under a coarse clock", async () => {
    const { probe, clock } = machine(0.25);
    const { points, forwards } = await measureCurve(probe, { clock, positions: [9], budgetMs: 0 });
    expect(points[0]!.ms).toBeCloseTo(2, 1);
    expect(points[1]!.ms).toBeCloseTo(2 * COSTS.tiled(9), 1);
    // 0.25 ms over 13 forwards of 2 ms is 1%: the first of n, the first anchor, then five rounds of one n and one anchor.
    expect(forwards).toBe(5 + 13 * (1 + 1 + 5 * 2));
  });

  it("ends between rounds when the caller gives up", async () => {
    const { probe, clock, forwards } = machine();
    const signal = { aborted: false };
    const run = probe.run.bind(probe);
    const stopping = {
      ...probe,
      run: (n: number) => {
        if (forwards() === 12) signal.aborted = true;
        return run(n);
      },
    };
    const measuring = measureCurve(stopping, { clock, positions: [2, 3, 4], budgetMs: 0, signal });
    await expect(measuring).rejects.toMatchObject({ code: "aborted" });
    expect(forwards()).toBeLessThan(20);
  });
});
