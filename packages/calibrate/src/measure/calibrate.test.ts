import { NearfreeError, prefixFree } from "@nearfree/core";
import type { CalibrationEvent } from "@nearfree/core/measure";
import { describe, expect, it } from "vitest";
import { CELL, calibrateMachine } from "../testing/calibrate-machine.ts";
import { COSTS, createSyntheticMachine, NOISES, trueBoundary } from "../testing/synthetic-machine.ts";
import { calibrate } from "./calibrate.ts";

describe("on a silent machine", () => {
  it.each(Object.entries(COSTS))("finds every boundary of %s exactly", async (_name, cost) => {
    const { boundaries, points, run: figures } = await calibrateMachine({ cost, noise: NOISES.silent });
    for (const { epsilon, prefixFree: found, level } of boundaries) {
      if (level !== "certified") continue;
      expect(found, `epsilon ${epsilon}`).toBe(trueBoundary(cost, 1 + epsilon));
    }
    expect(boundaries.find(({ epsilon }) => epsilon === 0.1)?.level).toBe("certified");
    for (const { positions, ratio } of points) expect(ratio).toBeCloseTo(cost(positions), 3);
    expect(figures.stop).toBe("decided");
  });

  it("knows T(1), the cold start and what it spent", async () => {
    const options = { cost: COSTS.decoder, noise: NOISES.silent, baseMs: 0.5, coldFactor: 6 };
    const { probe, clock, forwards } = createSyntheticMachine(options);
    const measurement = await calibrate(probe, { clock, cell: CELL });
    expect(measurement.baseMs).toBeCloseTo(0.5, 3);
    expect(measurement.coldMs).toBeCloseTo(3, 3);
    expect(measurement.run.forwards).toBe(forwards());
    expect(measurement.run.drift).toBeCloseTo(0, 6);
  });

  it("serves a scheduler up to 32 positions, and stops where nothing can pay", async () => {
    const decoder = await calibrateMachine({ cost: COSTS.decoder, noise: NOISES.silent });
    expect(decoder.points.map(({ positions }) => positions)).toEqual(
      expect.arrayContaining([1, 2, 3, 4, 6, 8, 12, 16, 24, 32]),
    );
    const linear = await calibrateMachine({ cost: COSTS.linear, noise: NOISES.silent });
    expect(linear.points.map(({ positions }) => positions)).toEqual([1, 2, 3, 4, 5, 6]);
  });
});

describe("the shape of the curve", () => {
  it("has the stairs, and their width, where the budget allows", async () => {
    const { stairs, granularity } = await calibrateMachine({ cost: COSTS.tiled }, { budget: { forwards: 800 } });
    expect(stairs?.map(({ from, to }) => [from, to])).toEqual([
      [1, 8],
      [9, 16],
      [17, 24],
      [25, 32],
    ]);
    expect(granularity).toBe(8);
  });

  it("has the inversions, measured directly", async () => {
    const { inversions, boundaries } = await calibrateMachine({ cost: COSTS.gemv, seed: 3 });
    expect(inversions?.map(({ positions, pairs }) => [positions, pairs])).toEqual([
      [2, 6],
      [3, 6],
    ]);
    for (const { positions, cheaper, ratio } of inversions ?? []) {
      expect(ratio / (COSTS.gemv(cheaper) / COSTS.gemv(positions))).toBeCloseTo(1, 1);
    }
    expect(boundaries[1]?.freeSet).toEqual([
      [1, 1],
      [4, 16],
    ]);
  });
});

describe("the result", () => {
  it("keeps the samples, and its boundaries are those of its points", async () => {
    const { points, boundaries } = await calibrateMachine({ cost: COSTS.smooth });
    for (const { positions, samples, logRatios } of points.slice(1)) {
      expect(positions).toBeGreaterThan(1);
      expect(logRatios).toHaveLength(samples);
    }
    for (const { epsilon, prefixFree: n } of boundaries) expect(prefixFree({ points }, epsilon)).toBe(n);
  });

  it("is the same for the same seed", async () => {
    const machine = { cost: COSTS.smooth, noise: NOISES.bursty, seed: 5 };
    expect(await calibrateMachine(machine)).toEqual(await calibrateMachine(machine));
  });

  it("reports an epsilon that is not among the usual ones", async () => {
    const { boundaries } = await calibrateMachine({ cost: COSTS.tiled }, { epsilon: 0.3 });
    expect(boundaries.map(({ epsilon }) => epsilon)).toEqual([0.05, 0.1, 0.2, 0.3, 0.5]);
    expect(boundaries[3]).toMatchObject({ prefixFree: 8, level: "certified" });
  });

  it("holds the invariance classes of what was run", async () => {
    const columns = 3;
    // As on a CPU: n = 1 has a kernel of its own.
    const logits = (n: number) => new Float32Array(n * columns).fill(n === 1 ? 1 + 2 ** -20 : 1);
    const { invariance, points } = await calibrateMachine({ cost: COSTS.decoder, columns, logits });
    const rest = points.slice(1).map(({ positions }) => positions);
    expect(invariance.classes).toEqual([[1], rest]);
    expect(invariance).toMatchObject({ maxDifference: 2 ** -20, argmaxFlips: 0 });
  });

  it("measures one position where the graph says that rows depend on each other", async () => {
    const columns = 3;
    const logits = (n: number) => new Float32Array(n * columns);
    const traits = { dependence: "one scale" };
    const found = await calibrateMachine({ cost: COSTS.decoder, columns, logits }, { traits });
    expect(found.points.map(({ positions }) => positions)).toEqual([1]);
    expect(found.invariance).toMatchObject({ classes: [[1]], dependent: "one scale" });
    expect(found.boundaries[1]).toMatchObject({ prefixFree: 1 });
    expect(found.run.forwards).toBeLessThan(60);
  });

  it("compares rows on a machine too noisy to tell costs, and when it goes on from samples", async () => {
    const columns = 3;
    const logits = (n: number) => new Float32Array(n * columns).fill(n === 1 ? 1 + 2 ** -20 : 1);
    const machine = { cost: COSTS.decoder, columns, logits, noise: NOISES.hopeless };
    const first = await calibrateMachine(machine);
    expect(first.run.stop).toBe("unresolvable");
    const several = first.points.map(({ positions }) => positions).slice(1);
    expect(several.length).toBeGreaterThan(2);
    expect(first.invariance.classes).toEqual([[1], several]);
    expect(first.invariance.rows).toBeGreaterThan(0);
    const second = await calibrateMachine(machine, { resume: first });
    expect(second.invariance.classes.flat()).toEqual(expect.arrayContaining(several));
    expect(second.invariance.rows).toBeGreaterThan(0);
  });

  it("has no classes without logits", async () => {
    expect((await calibrateMachine({ cost: COSTS.decoder })).invariance).toEqual({
      classes: [],
      maxDifference: 0,
      rows: 0,
      argmaxFlips: 0,
    });
  });

  it("groups forwards where the clock is coarse", async () => {
    const { boundaries, run: figures } = await calibrateMachine({ cost: COSTS.tiled, grainMs: 0.1, baseMs: 1 });
    expect(boundaries[1]).toMatchObject({ prefixFree: 8 });
    expect(figures.forwards).toBeGreaterThan(1_000);
  });

  it("is unresolvable where the clock is too coarse for the model", async () => {
    const { run: figures } = await calibrateMachine({ cost: COSTS.tiled, grainMs: 1, baseMs: 0.1 });
    expect(figures.stop).toBe("unresolvable");
  });

  it("is refused on a clock that stands still", async () => {
    const { probe } = createSyntheticMachine({ cost: COSTS.free });
    await expect(calibrate(probe, { clock: () => 1, cell: CELL })).rejects.toThrow(/\[calibrate\] clock: expected one/);
  });
});

describe("events", () => {
  it("come in order: warming, qualified, samples, done", async () => {
    const events: CalibrationEvent[] = [];
    const measurement = await calibrateMachine({ cost: COSTS.decoder }, { onEvent: (event) => events.push(event) });
    expect(events.slice(0, 2)).toMatchObject([
      { type: "warming", cell: CELL, positions: 1 },
      { type: "qualified", cell: CELL, forwardsPerSample: 1 },
    ]);
    expect(events.at(-1)).toEqual({ type: "done", cell: CELL, measurement });
    const sampled = events.filter((event) => event.type === "sampled");
    expect(sampled.every(({ forwards }, i) => forwards >= (sampled[i - 1]?.forwards ?? 0))).toBe(true);
    expect(sampled.at(-1)?.forwardLimit).toBe(240);
    for (const { positions } of measurement.points.slice(1)) {
      expect(events.filter((event) => event.type === "warming" && event.positions === positions)).toHaveLength(1);
    }
  });
});

describe("stopping early", () => {
  it("returns what it has when the forwards, the time or the caller's patience are spent", async () => {
    const machine = { cost: COSTS.smooth, noise: NOISES.quiet };
    const forwards = await calibrateMachine(machine, { budget: { forwards: 60 } });
    expect(forwards.run).toMatchObject({ forwards: 60, stop: "forwards" });
    expect((await calibrateMachine(machine, { budget: { ms: 80 } })).run.stop).toBe("time");
    const controller = new AbortController();
    const aborted = await calibrateMachine(machine, {
      signal: controller.signal,
      onEvent: (event) => event.type === "sampled" && event.forwards > 50 && controller.abort(),
    });
    expect(aborted.run.stop).toBe("aborted");
    for (const { points, boundaries } of [forwards, aborted]) {
      expect(points.length).toBeGreaterThan(2);
      expect(boundaries.some(({ level }) => level === "budget")).toBe(true);
    }
  });

  it("throws when nothing was measured", async () => {
    await expect(calibrateMachine({ cost: COSTS.free }, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "aborted",
    });
  });

  it("lets errors of the probe through", async () => {
    const { probe, clock } = createSyntheticMachine({ cost: COSTS.free });
    const failing = { ...probe, run: () => Promise.reject(new Error("out of memory")) };
    await expect(calibrate(failing, { clock, cell: CELL })).rejects.toThrow("out of memory");
  });

  it("goes on where an earlier run stopped", async () => {
    const machine = { cost: COSTS.tiled, noise: NOISES.quiet };
    const first = await calibrateMachine(machine, { budget: { forwards: 90 } });
    const second = await calibrateMachine({ ...machine, seed: 2 }, { resume: first });
    const fresh = await calibrateMachine({ ...machine, seed: 2 });
    expect(second.boundaries[1]).toMatchObject({ prefixFree: fresh.boundaries[1]?.prefixFree });
    expect(second.run.forwards).toBeLessThan(fresh.run.forwards);
    for (const { positions, samples } of first.points.slice(1)) {
      expect(second.points.find((point) => point.positions === positions)?.samples).toBeGreaterThanOrEqual(samples);
    }
  });
});

it.each([
  [{ epsilon: 0 }, "epsilon"],
  [{ epsilon: Number.NaN }, "epsilon"],
  [{ maxPositions: 0 }, "maxPositions"],
  [{ maxPositions: 2.5 }, "maxPositions"],
  [{ budget: { forwards: 0 } }, "budget.forwards"],
  [{ budget: { ms: 0 } }, "budget.ms"],
])("refuses %j", async (options, what) => {
  const error = await calibrateMachine({ cost: COSTS.free }, options).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(NearfreeError);
  expect(error).toMatchObject({ code: "invalid-argument", message: expect.stringContaining(`[calibrate] ${what}:`) });
});
