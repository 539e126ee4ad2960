import { createRandom } from "@nearfree/calibrate";
import { expect, it } from "vitest";
import { createExactMachine } from "../testing/exact-machine.ts";
import { Reference } from "./reference.ts";

it("finds r(n) on a machine that slows down while it is measured", async () => {
  let drift = 1;
  const disturb = () => {
    drift *= 1.001;
    return drift;
  };
  const { probe, clock } = createExactMachine((n) => 1 + 0.1 * (n - 1), { disturb });
  const reference = new Reference(probe, clock, createRandom(1));
  await reference.slice([2, 5], 10);
  await reference.slice([5], 10);
  expect(reference.points.map(({ positions, pairs }) => [positions, pairs])).toEqual([
    [2, 10],
    [5, 20],
  ]);
  expect(reference.point(2)!.ratio).toBeCloseTo(1.1, 3);
  expect(reference.point(5)!.ratio).toBeCloseTo(1.4, 3);
  expect(reference.point(5)!.error).toBeLessThan(1e-3);
});

it("knows n = 1, and nothing of an n without pairs", () => {
  const { probe, clock } = createExactMachine(() => 1);
  const reference = new Reference(probe, clock, createRandom(1));
  expect(reference.point(1)!.ratio).toBe(1);
  expect(reference.point(3)).toBeUndefined();
});
