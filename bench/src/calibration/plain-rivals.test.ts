import { describe, expect, it } from "vitest";
import { createExactMachine } from "../testing/exact-machine.ts";
import { plainBisection, plainSweep } from "./plain-rivals.ts";

const options = { epsilon: 0.1, maxPositions: 64, samples: 5 };
const tiled = (n: number) => 1 + 0.5 * Math.floor((n - 1) / 10);

describe.each([
  ["sweep", plainSweep],
  ["bisection", plainBisection],
])("a plain %s", (_name, find) => {
  it("finds the boundary of a quiet machine, between the n of the grid too", async () => {
    const { probe, clock } = createExactMachine(tiled);
    expect((await find(probe, { ...options, clock })).boundary).toBe(10);
  });

  it("ends at the widest forward where all is free, and at 1 where nothing is", async () => {
    const free = createExactMachine(() => 1);
    expect((await find(free.probe, { ...options, clock: free.clock })).boundary).toBe(64);
    const linear = createExactMachine((n) => n);
    expect((await find(linear.probe, { ...options, clock: linear.clock })).boundary).toBe(1);
  });
});

it("counts every forward, the untimed ones too", async () => {
  const { probe, clock } = createExactMachine((n) => n);
  // n = 2 and n = 1, 2 warm and 5 timed forwards each; the bracket is closed.
  expect((await plainSweep(probe, { ...options, clock })).forwards).toBe(14);
});
