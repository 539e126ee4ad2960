import { createRandom } from "@nearfree/calibrate";
import { expect, it } from "vitest";
import { createExactMachine } from "../testing/exact-machine.ts";
import { clearSteps, denseCurve, isFoundNear } from "./dense-curve.ts";

/** Passes of 12 rows, then one of up to 6 and one of the rest; each row costs a little too. */
const avx512 = (n: number) => {
  const rest = n % 12;
  return 0.7 + 0.03 * n + 0.6 * Math.floor(n / 12) + 0.3 * Math.ceil(rest / 6);
};

async function curveOf(cost: (n: number) => number) {
  const random = createRandom(9);
  const { probe, clock } = createExactMachine(cost, { disturb: () => 0.99 + 0.02 * random() });
  return denseCurve(probe, { clock, random: createRandom(5), widest: 32, pairs: 40 });
}

it("finds where tiles begin, and nothing else", async () => {
  const steps = clearSteps(await curveOf(avx512));
  for (const n of [7, 13, 19, 25]) expect(isFoundNear(steps, [n]), `${n}`).toBe(true);
  expect(steps.every(({ positions }) => positions % 6 <= 1)).toBe(true);
});

it("finds no tile on a straight line", async () => {
  expect(clearSteps(await curveOf((n) => 1 + 0.1 * n))).toEqual([]);
});
