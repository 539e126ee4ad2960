import type { Probe } from "@nearfree/core/measure";
import { expect, it } from "vitest";
import { MeasuringStopped, Meter } from "./meter.ts";
import { warmUp } from "./warm-up.ts";

function scripted(times: number[], budget = { forwards: 100, ms: 1e9 }, signal?: AbortSignal) {
  let now = 0;
  const probe: Probe = {
    maxPositions: 4,
    prepare: () => {
      now += 50;
    },
    run: async () => {
      now += times.shift() ?? 1;
    },
  };
  return new Meter(probe, () => now, budget, signal);
}

it.each([
  { times: [1, 1], runs: 2, why: "two alike" },
  { times: [9, 1, 1], runs: 3, why: "a cold first run" },
  { times: [9, 3, 1.25, 1.0625, 1, 1.0625], runs: 5, why: "a slow approach" },
  { times: [2, 1, 2, 1, 2, 1, 2, 1, 1, 1], runs: 8, why: "never settled" },
])("takes $runs runs for $why", async ({ times, runs }) => {
  const seen: number[] = [];
  const first = [...times];
  await warmUp(scripted(times), 2, (ms) => seen.push(ms));
  expect(seen).toEqual(first.slice(0, runs));
});

it("times groups of forwards and counts a group as one timing", async () => {
  const meter = scripted([1, 2, 3]);
  meter.group = 3;
  // The first prepare is outside the timed part, those between are inside.
  expect(await meter.time(2)).toBe((1 + 2 + 3 + 2 * 50) / 3);
  expect({ forwards: meter.forwards, timings: meter.timings }).toEqual({ forwards: 3, timings: 1 });
});

it("stops for the forwards, the time and the signal", async () => {
  const stopOf = (meter: Meter) =>
    warmUp(meter, 2).then(
      () => "no",
      (error: unknown) => (error instanceof MeasuringStopped ? error.stop : error),
    );
  expect(await stopOf(scripted([1, 2], { forwards: 2, ms: 1e9 }))).toBe("forwards");
  expect(await stopOf(scripted([1, 2], { forwards: 100, ms: 90 }))).toBe("time");
  expect(await stopOf(scripted([], { forwards: 100, ms: 1e9 }, AbortSignal.abort()))).toBe("aborted");
});
