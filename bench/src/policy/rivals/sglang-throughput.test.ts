import { expect, it } from "vitest";
import { setupOf, steps } from "../../testing/rival-player.ts";
import { SglangThroughputRule } from "./sglang-throughput.ts";

it("takes the candidate of the most expected tokens over its cost, once twenty verdicts are in", () => {
  const flat = new SglangThroughputRule(setupOf(() => 1));
  const lengths = steps(flat, 40, { right: 31 });
  expect(lengths.slice(0, 20)).toEqual(Array(20).fill(5));
  expect(lengths[20]).toBe(15);
  // 1 + 1 tokens for 2 ms; 16 tokens for 16 ms: the same rate, so the first one stays.
  const linear = new SglangThroughputRule(setupOf((n) => n));
  expect(steps(linear, 40, { right: 31 }).at(-1)).toBe(1);
});

it("forgets verdicts older than its window", () => {
  const rule = new SglangThroughputRule(setupOf((n) => 1 + 0.3 * (n - 1)));
  steps(rule, 60, { right: 31 });
  expect(steps(rule, 1, { right: 31 })).toEqual([15]);
  expect(steps(rule, 60, { right: 0 }).at(-1)).toBe(1);
  expect(steps(rule, 200, { right: 31 }).at(-1)).toBe(15);
});
