import { expect, it } from "vitest";
import { setupOf, step, steps } from "../../testing/rival-player.ts";
import { VllmRule } from "./vllm.ts";

it("verifies the prefix of the most expected tokens over cost of this very step", () => {
  const rule = new VllmRule(setupOf((n) => 1 + 0.25 * (n - 1)));
  // At p = .8, E(n) / T(n): 1, 1.44, 1.627, 1.687, 1.681: four positions.
  expect(step(rule, { right: 0, confidence: 0.8 })).toBe(3);
  expect(step(rule, { right: 0, confidence: 0.2 })).toBe(0);
  expect(step(rule, { right: 0, confidence: 0.8, drafted: 2 })).toBe(2);
});

it("fits what the drafter's word is worth every hundred steps", () => {
  const rule = new VllmRule(setupOf((n) => 1 + 0.25 * (n - 1)));
  expect(steps(rule, 100, { right: 0, confidence: 0.8 })).toEqual(Array(100).fill(3));
  expect(step(rule, { right: 0, confidence: 0.8 })).toBe(0);
});
